/**
 * The items of one live field for one subscriber: everything after its cursor, once, in order, then `CaughtUp`, then what
 * happens. Items are pulled, so a subscriber that reads slowly costs a number here, not memory.
 */
import type { Database } from '../database/database.js';
import type { DomainEvent } from '../events/event.js';
import type { CursorCodec } from './cursor.js';
import type { EventTail } from './event-tail.js';
import { readEvents } from './read-events.js';
import { CaughtUp, ResyncReason, ResyncRequired } from './types.js';

export interface LiveSource {
  readonly database: Database;
  readonly tail: EventTail;
  readonly cursors: CursorCodec;
}

export interface LiveOptions<T> {
  readonly tenant: string;
  /** Cursor of the last item that the subscriber has. */
  readonly after?: string | undefined;
  /** Only this entity's events; without `after` such a field starts at the entity's first one. */
  readonly subject?: string;
  /** The item for an event, undefined for events that the subscriber does not want. */
  readonly toItem: (event: DomainEvent, cursor: string) => T | undefined;
}

const PAGE = 200;
/** A quiet subscription's cursor is renewed this often, so that it does not outlive the retention of events. */
const QUIET_MS = 30_000;

/** @throws AuroraError `BAD_CURSOR` before the first item. */
export function openLive<T>(source: LiveSource, options: LiveOptions<T>): LiveItems<T> {
  return new LiveItems(source, options);
}

/**
 * An iterator by hand: `return()` of an async generator that waits would take effect at the next event only, and the
 * subscriber would leak until then.
 */
export class LiveItems<T> implements AsyncIterableIterator<T | CaughtUp | ResyncRequired> {
  readonly #ready: (T | CaughtUp | ResyncRequired)[] = [];
  #position: number;
  /** The history that `#position` belongs to. */
  #epoch: string;
  #isCaughtUp = false;
  #isClosed = false;
  #wake: () => void = () => undefined;
  readonly #stopListening: () => void;

  constructor(
    private readonly source: LiveSource,
    private readonly options: LiveOptions<T>,
  ) {
    const { tail, cursors } = source;
    const place = options.after === undefined ? undefined : cursors.decode(options.after, 'after');
    this.#position = place?.position ?? (options.subject === undefined ? tail.last : 0);
    this.#epoch = place?.epoch ?? tail.epoch;
    this.#stopListening = tail.onMove(() => this.#wake());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T | CaughtUp | ResyncRequired>> {
    try {
      return await this.#next();
    } catch (error) {
      // Whoever iterates does not call `return` on an iterator that threw: the listener would stay for ever.
      await this.return();
      throw error;
    }
  }

  async #next(): Promise<IteratorResult<T | CaughtUp | ResyncRequired>> {
    while (!this.#isClosed && !this.source.tail.isStopped) {
      const item = this.#ready.shift();
      if (item !== undefined) return { value: item, done: false };
      if (this.#epoch !== this.source.tail.epoch) return { value: this.#moveToNewHistory(), done: false };
      if (this.#position < this.source.tail.last) await this.#readOn();
      else if (this.#isCaughtUp) await this.#waitForMove();
      else {
        this.#isCaughtUp = true;
        return { value: new CaughtUp(this.#cursor()), done: false };
      }
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<T | CaughtUp | ResyncRequired>> {
    this.#isClosed = true;
    this.#stopListening();
    this.#wake();
    return { value: undefined, done: true };
  }

  /** The table was restored: what its history holds now cannot be told from what the subscriber has. */
  #moveToNewHistory(): ResyncRequired {
    this.#epoch = this.source.tail.epoch;
    this.#position = this.source.tail.last;
    this.#isCaughtUp = false;
    return new ResyncRequired(this.#cursor(), ResyncReason.RETENTION);
  }

  async #readOn(): Promise<void> {
    const { tail, database, cursors } = this.source;
    const { tenant, subject, toItem } = this.options;
    const epoch = this.#epoch;
    const recent = tail.recentAfter(this.#position, PAGE);
    const upTo = recent === undefined ? tail.last : (recent.at(-1)?.position ?? this.#position);
    const events =
      recent?.filter((event) => event.tenant === tenant && (subject === undefined || event.subject === subject)) ??
      (await readEvents(database, epoch, { tenant, subject, after: this.#position, upTo, limit: PAGE }));
    for (const event of events) {
      const item = toItem(event, cursors.encode({ epoch, position: event.position }));
      if (item !== undefined) this.#ready.push(item);
    }
    const isPageFull = recent === undefined && events.length === PAGE;
    this.#position = isPageFull ? (events.at(-1)?.position ?? upTo) : upTo;
  }

  #waitForMove(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#isCaughtUp = false;
        resolve();
      }, QUIET_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #cursor(): string {
    return this.source.cursors.encode({ epoch: this.#epoch, position: this.#position });
  }
}
