/**
 * One feed for all clients of the same identity that ask the same. Keeps the last items, so that a client whose own feed is
 * nearly as far can step over without a hole.
 */
import { sleep } from '@aurorasoc/kit/lifecycle';
import { compareCursors, isSameEpoch } from '@aurorasoc/kit/live/cursor';
import type { GraphQLError } from 'graphql';
import type { Session } from '../auth/authenticator.js';
import type { Feed, FeedTaker } from './feed.js';
import { isCoveredBy, type LiveItem } from './live-item.js';
import type { Reader } from './reader.js';
import { Ring, type RingLimits } from './ring.js';

/** A backlog comes as fast as it can be read, so readers are behind for longer without being slow. */
const BACKLOG_GRACE_MS = 2_000;

export interface HubOptions {
  readonly feed: Feed;
  /** Where the feed is: cursor of its last item; undefined for fields without cursors. */
  readonly place: string | undefined;
  /** Whether the feed has told that its backlog is through. */
  readonly isCaughtUp: boolean;
  /** Bounds of the items that are kept for stepping over. */
  readonly history: RingLimits;
  /** How long all wait at a time for one that has fallen behind; after that, or when it has taken nothing for so long, it does so alone. */
  readonly graceMs: number;
  /** The last client has left, or the feed has ended. */
  readonly onEmpty: () => void;
}

export class Hub implements FeedTaker {
  readonly #readers = new Set<Reader>();
  readonly #history: Ring<LiveItem>;
  /** Everything after this place is in the history. */
  #floor: string | undefined;
  #isCaughtUp: boolean;

  constructor(private readonly options: HubOptions) {
    this.#history = new Ring(options.history);
    this.#floor = options.place;
    this.#isCaughtUp = options.isCaughtUp;
  }

  /**
   * Adds a client that has everything up to `place`.
   * @returns false, and adds nothing, when the history does not reach back so far, or holds more than the client can be given at
   * once; the client stays on its own feed.
   */
  join(reader: Reader, place: string | undefined): boolean {
    if (this.#floor !== undefined) {
      if (place === undefined || !isSameEpoch(place, this.#floor) || compareCursors(place, this.#floor) < 0)
        return false;
      const missed = this.#itemsAfter(place);
      if (!reader.hasRoomFor(missed)) return false;
      for (const item of missed) reader.offer(item);
      // The others do not wait while it reads what they have had.
      reader.isLagging = !reader.hasRoom;
    }
    this.#readers.add(reader);
    return true;
  }

  /** Whether the feed has told that its backlog is through. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  leave(reader: Reader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return;
    this.options.feed.close();
    this.options.onEmpty();
  }

  session(): Session {
    let latest: Session | undefined;
    for (const { session } of this.#readers) if (!latest || session.expiresAt > latest.expiresAt) latest = session;
    if (!latest) throw new Error('a hub without clients was asked for its session');
    return latest;
  }

  async take(item: LiveItem): Promise<void> {
    this.#isCaughtUp ||= item.kind === 'caught-up';
    this.#remember(item);
    for (const reader of this.#readers) reader.offer(item);
    await this.#waitForReaders();
  }

  ended(refusal: GraphQLError | undefined): void {
    this.options.onEmpty();
    for (const reader of this.#readers) reader.end(refusal);
  }

  /** An item without cursor failed as a whole; its place is behind the one before it. */
  #itemsAfter(place: string): LiveItem[] {
    const items = [...this.#history];
    const first = items.findIndex((item) => item.cursor !== undefined && !isCoveredBy(item, place));
    return first < 0 ? [] : items.slice(first);
  }

  #remember(item: LiveItem): void {
    if (this.#floor === undefined) return;
    if (item.cursor !== undefined && (item.kind === 'resync' || !isSameEpoch(item.cursor, this.#floor))) {
      this.#history.clear();
      this.#floor = item.cursor;
      return;
    }
    // Who joins is told where it stands then.
    if (item.kind === 'caught-up') return;
    while (!this.#history.push(item)) {
      const dropped = this.#history.shift();
      if (dropped === undefined) {
        // Larger than the whole history.
        this.#floor = item.cursor ?? this.#floor;
        return;
      }
      this.#floor = dropped.cursor ?? this.#floor;
    }
  }

  /** A burst is slowed to the pace of its readers; one that has stood still for the grace already holds nobody up. */
  async #waitForReaders(): Promise<void> {
    const graceMs = this.#isCaughtUp ? this.options.graceMs : BACKLOG_GRACE_MS;
    const behind = [...this.#readers].filter((reader) => !reader.isLagging && !reader.hasRoom);
    for (const reader of behind) reader.isLagging = reader.hasStoodFor(graceMs);
    const awaited = behind.filter((reader) => !reader.isLagging);
    if (awaited.length === 0) return;
    const grace = new AbortController();
    await Promise.race([Promise.all(awaited.map((reader) => reader.whenRoom())), sleep(graceMs, grace.signal)]);
    grace.abort();
    for (const reader of awaited) if (!reader.hasRoom) reader.isLagging = true;
  }
}
