/**
 * The items of one live field for one subscriber: everything after its cursor, once, in order, then `CaughtUp`, then what
 * happens. Items are pulled, so a subscriber that reads slowly costs a number here, not memory.
 */
import type { Database } from '../database/database.js';
import { isConnectionError } from '../errors.js';
import type { DomainEvent } from '../events/event.js';
import { backoffMs } from '../lifecycle.js';
import type { CursorCodec, CursorPlace } from './cursor.js';
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
  /** A field on one subject starts at what happens next, as others do. */
  readonly startsNow?: boolean;
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
  readonly #after: CursorPlace | undefined;
  #position = 0;
  /** The history that `#position` belongs to; undefined until the tail knows one. */
  #epoch: string | undefined;
  #failures = 0;
  #isCaughtUp = false;
  /** Whether the tenant was erased, as the subscriber knows by now. */
  #isForgotten = false;
  #isClosed = false;
  #wake: () => void = () => undefined;
  readonly #stopListening: () => void;

  constructor(
    private readonly source: LiveSource,
    private readonly options: LiveOptions<T>,
  ) {
    const { tail, cursors } = source;
    this.#after = options.after === undefined ? undefined : cursors.decode(options.after, 'after');
    this.#stopListening = tail.onMove(() => this.#wake());
    if (tail.epoch !== undefined) this.#begin(tail.epoch);
    // Who begins with an erased tenant has missed nothing.
    this.#isForgotten = this.#after === undefined && tail.hasForgotten(options.tenant);
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
    const { tail } = this.source;
    while (!this.#isClosed && !tail.isStopped) {
      if (this.#mustForget()) this.#forget();
      const item = this.#ready.shift();
      if (item !== undefined) return { value: item, done: false };
      if (tail.epoch === undefined) await this.#wait(QUIET_MS);
      else if (this.#epoch === undefined) this.#begin(tail.epoch);
      else if (this.#epoch !== tail.epoch) return { value: this.#moveToHistory(tail.epoch), done: false };
      else if (this.#position < tail.last) await this.#readOnWhenPossible(tail.epoch);
      else if (!this.#isCaughtUp) {
        this.#isCaughtUp = true;
        return { value: new CaughtUp(this.#cursor(tail.epoch)), done: false };
      } else if (!(await this.#wait(QUIET_MS))) this.#isCaughtUp = false;
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<T | CaughtUp | ResyncRequired>> {
    this.#isClosed = true;
    this.#stopListening();
    this.#wake();
    return { value: undefined, done: true };
  }

  #begin(epoch: string): void {
    this.#epoch = this.#after?.epoch ?? epoch;
    const { subject, startsNow } = this.options;
    this.#position = this.#after?.position ?? (subject === undefined || startsNow ? this.source.tail.last : 0);
  }

  #mustForget(): boolean {
    return !this.#isForgotten && this.#epoch !== undefined && this.source.tail.hasForgotten(this.options.tenant);
  }

  /** Of an erased tenant nothing is told, not even what lies ready. Who has followed it learns that it is no more. */
  #forget(): void {
    this.#isForgotten = true;
    this.#ready.length = 0;
    const { epoch } = this.source.tail;
    if (epoch !== undefined) this.#ready.push(this.#moveToHistory(epoch));
  }

  /** The table was restored, or the tenant erased: what it holds now cannot be told from what the subscriber has. */
  #moveToHistory(epoch: string): ResyncRequired {
    this.#epoch = epoch;
    this.#position = this.source.tail.last;
    this.#isCaughtUp = false;
    return new ResyncRequired(this.#cursor(epoch), ResyncReason.RETENTION);
  }

  /** A database that is away ends no subscription: what it holds is read when it is back. */
  async #readOnWhenPossible(epoch: string): Promise<void> {
    try {
      await this.#readOn(epoch);
      this.#failures = 0;
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      await this.#wait(backoffMs(this.#failures++, 200, 2_000));
    }
  }

  async #readOn(epoch: string): Promise<void> {
    const { tail, database, cursors } = this.source;
    const { tenant, subject, toItem } = this.options;
    if (this.#isForgotten) {
      this.#position = tail.last;
      return;
    }
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

  /** @returns false when nothing happened for so long. */
  #wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #cursor(epoch: string): string {
    return this.source.cursors.encode({ epoch, position: this.#position });
  }
}
