/**
 * The newest events of a domain, read once per process for all of its live fields.
 *
 * Positions are dense, so "what comes after p" is answered from memory when the tail reaches back that far and from the
 * event table otherwise; there is no seam between the two. Without Redis the tail only learns how far the table reaches,
 * by asking once a second, and everything is read from the table.
 */
import type { Redis } from 'ioredis';
import type { Database } from '../database/database.js';
import { describeError } from '../errors.js';
import type { DomainEvent } from '../events/event.js';
import { eventStream } from '../events/relay.js';
import type { Health } from '../health.js';
import { sleep } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { parseEntry, type RawEntry } from '../streams/entry.js';

export interface EventTailOptions {
  readonly database: Database;
  /** A connection of its own: the tail blocks on it. */
  readonly reader: Redis;
  readonly log: Logger;
  readonly health: Health;
  /** Events kept in memory. @default 5 000 */
  readonly capacity?: number;
}

const BLOCK_MS = 1_000;
const READ_COUNT = 500;
const FOREIGN_STREAM_MS = 100;

export class EventTail {
  readonly #abort = new AbortController();
  readonly #listeners = new Set<() => void>();
  /** Events without a hole, the last one at position `#last`. */
  #recent: DomainEvent[] = [];
  #last = 0;
  #epoch: string | undefined;
  #erased: ReadonlySet<string> = new Set();
  #running: Promise<void> | undefined;

  constructor(private readonly options: EventTailOptions) {}

  /** Begins to follow; until the table has been asked once, live fields wait. */
  start(): void {
    this.#running = this.#follow();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#tell();
    // Ends the blocking read at once; the connection is the tail's own.
    this.options.reader.disconnect();
    await this.#running;
  }

  /** Which life of the event table the positions belong to; undefined until the table has been asked once. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** The last position that exists, as far as this process knows. */
  get last(): number {
    return this.#last;
  }

  get isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** The events after `position` from memory, at most `limit`; undefined where the memory does not reach back that far. */
  recentAfter(position: number, limit: number): readonly DomainEvent[] | undefined {
    const first = this.#last - this.#recent.length + 1;
    if (position + 1 < first) return undefined;
    const from = position + 1 - first;
    return this.#recent.slice(from, from + limit);
  }

  /** Calls `listener` whenever the tail moves or stops. @returns what ends that. */
  onMove(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tenants that were erased, all there are: their events go from memory, and those who follow them are told. */
  forget(tenants: readonly string[]): void {
    if (tenants.every((tenant) => this.#erased.has(tenant))) return;
    this.#erased = new Set(tenants);
    // Without a hole or not at all; what others need of it they read from the table.
    this.#recent = [];
    this.#tell();
  }

  hasForgotten(tenant: string): boolean {
    return this.#erased.has(tenant);
  }

  async #follow(): Promise<void> {
    const { reader, database, health, log } = this.options;
    const stream = eventStream(database.domain);
    while (!this.isStopped) {
      try {
        if (this.#epoch === undefined) await this.#catchUpWithTable();
        const reply = (await reader.xread(
          'COUNT',
          READ_COUNT,
          'BLOCK',
          BLOCK_MS,
          'STREAMS',
          stream,
          `${this.#last}-0`,
        )) as [string, RawEntry[]][] | null;
        health.set('live', 'up');
        if (reply && this.#append(reply[0]?.[1].map((raw) => toEvent(stream, raw)) ?? [])) continue;
        await this.#catchUpWithTable();
        // The stream holds another history, and would give it again at once, until the relay has cleared it.
        if (reply) await sleep(FOREIGN_STREAM_MS, this.#abort.signal);
      } catch (error) {
        if (this.isStopped) return;
        health.set('live', 'degraded', `reading from the table once a second: ${describeError(error)}`);
        log.debug({ error: describeError(error) }, 'Live reader lost Redis');
        await sleep(BLOCK_MS, this.#abort.signal);
        // Failing here as well means that PostgreSQL is away too, which its own health component says.
        if (this.#epoch !== undefined) await this.#catchUpWithTable().catch(() => undefined);
      }
    }
  }

  /** @returns false when none of the events is new to this history. */
  #append(events: readonly DomainEvent[]): boolean {
    const before = this.#last;
    for (const event of events) {
      // After a restore the stream may hold the former history until the relay has cleared it.
      if (event.epoch !== this.#epoch || event.position <= this.#last) continue;
      if (event.position !== this.#last + 1) this.#recent = [];
      this.#recent.push(event);
      this.#last = event.position;
    }
    const capacity = this.options.capacity ?? 5_000;
    if (this.#recent.length > capacity) this.#recent = this.#recent.slice(-capacity);
    if (this.#last === before) return false;
    this.#tell();
    return true;
  }

  /**
   * Events that no relay has published: they are read from the table, the memory starts anew behind them. So it does when
   * the table was restored to an earlier state under this process, which its epoch tells.
   */
  async #catchUpWithTable(): Promise<void> {
    const { database } = this.options;
    const [row] = await database.execute<{ epoch: string; last: string }>(
      `select epoch, (select coalesce(max(position), 0) from ${database.domain}.event_position) as last
       from ${database.domain}.event_epoch`,
    );
    if (row === undefined) throw new Error(`${database.domain}.event_epoch is empty`);
    const last = Number(row.last);
    if (row.epoch === this.#epoch && last <= this.#last) return;
    this.#recent = [];
    this.#last = last;
    this.#epoch = row.epoch;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function toEvent(stream: string, raw: RawEntry): DomainEvent {
  const { fields, entryId } = parseEntry(stream, raw);
  const text = (name: string): string => fields.get(name) ?? '';
  return {
    position: Number(entryId.split('-')[0]),
    epoch: text('epoch'),
    id: text('id'),
    type: text('type'),
    subject: text('subject'),
    version: Number(text('version')),
    tenant: text('tenant'),
    traceparent: text('traceparent') || undefined,
    body: text('body'),
  };
}
