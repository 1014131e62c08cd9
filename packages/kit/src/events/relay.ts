/**
 * Publishes a domain's sequenced events to Redis Streams, in order, without a hole.
 *
 * What was published is read from the stream itself; a stream that went backwards (restart without its last second,
 * FLUSHALL, an empty replica promoted) is filled again from PostgreSQL, as far back as {@link REPUBLISH_MS}. Of one that is
 * empty only what somebody needs again.
 */
import type { Redis } from 'ioredis';
import type { Client } from 'pg';
import { Gauge, Histogram } from 'prom-client';
import { describeError } from '../errors.js';
import type { Health } from '../health.js';
import type { Logger } from '../log.js';
import { parseEntry, type RawEntry } from '../streams/entry.js';
import { trimStream } from '../streams/trim-stream.js';
import { Alarm } from './alarm.js';
import { firstPositionAfter } from './find-position.js';
import { keepConnected } from './keep-connected.js';
import { PUBLISH_EVENTS, STREAM_FIELDS } from './publish-events.lua.js';
import { lastPosition } from './sequencer.js';

export interface RelayOptions {
  readonly domain: string;
  /** Login of the relay role. */
  readonly databaseUrl: string;
  readonly redis: Redis;
  /** Further stream per event type, for example `task.requested` → `aurora:agents:tasks`. */
  readonly routes: Readonly<Record<string, string>>;
  /**
   * Groups by stream. While one does not exist, as after Redis was wiped while its reader was away, entries stay for
   * {@link REPUBLISH_MS}.
   * @default none
   */
  readonly readers?: Readonly<Record<string, readonly string[]>>;
  /**
   * Types that a wiped stream is filled with again, beside those that are routed: what readers without a group follow they find in
   * the table, and a day of telemetry is not to be put into Redis for nobody.
   * @default all
   */
  readonly refilled?: readonly string[];
  readonly log: Logger;
  readonly health: Health;
}

/** How far back a wiped stream is filled again. Consumers' inboxes remember longer, so repeats do nothing. */
export const REPUBLISH_MS = 24 * 3_600_000;
/** Of an empty stream the last events are published whichever they are: readers without a group may have yet to see them. */
const REFILL_WHOLE_MS = 60_000;
/** Entries stay at least this long, for readers without a group; with groups, until the slowest has them. */
const KEEP_MS = 3_600_000;
const BATCH = 500;
const STREAM_CHECK_MS = 1_000;
const TRIM_MS = 60_000;

/** Positions that one statement looks through while a stream is filled again. */
const REFILL_SPAN = 20_000;

interface Refill {
  /** The last position that existed then. */
  readonly known: number;
  /** Behind it lies what is published again. */
  readonly begin: number;
  /** Up to there it is what is {@link RelayOptions.refilled} or routed, behind it everything. */
  readonly end: number;
}

/** The stream that carries every event of a domain. */
export function eventStream(domain: string): string {
  return `aurora:${domain}:events`;
}

interface EventRow {
  position: string;
  id: string;
  type: string;
  subject: string;
  tenant: string;
  version: number;
  traceparent: string | null;
  body: Buffer;
  occurred_at: Date;
}

/** The connection with the script defined on it. */
type PublishingRedis = Redis & { publishEvents(...args: (string | number | Buffer)[]): Promise<string> };

export class Relay {
  readonly #abort = new AbortController();
  readonly #redis: PublishingRedis;
  readonly #keys: readonly string[];
  readonly #metrics: ReturnType<typeof createMetrics>;
  #running: Promise<void> | undefined;
  /** The last position that exists, as the sequencer told. */
  #known = 0;
  /** Where the stream stands; undefined until it was asked. */
  #published: number | undefined;
  /** Where it stood when it was last asked: for the gauge, which goes on to count while nobody answers. */
  #stood: number | undefined;
  /** Where a stream that was found empty begins. */
  #refill: Refill | undefined;
  #isLeader = false;
  #trimmedAt = Date.now();
  readonly #alarm = new Alarm();

  constructor(private readonly options: RelayOptions) {
    const { domain, redis, routes, health } = options;
    this.#keys = [`aurora:${domain}:epoch`, eventStream(domain), ...new Set(Object.values(routes))];
    redis.defineCommand('publishEvents', { lua: PUBLISH_EVENTS });
    this.#redis = redis as PublishingRedis;
    this.#metrics = createMetrics(health);
  }

  start(): void {
    this.#running = this.#runForEver();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#alarm.ring();
    await this.#running;
  }

  /** Tells that events exist up to and including this position. */
  advance(position: number): void {
    this.#known = position;
    this.#countPending();
    this.#alarm.ring();
  }

  /** Only the process that sequences publishes; two would only refuse each other's entries. */
  lead(isLeader: boolean): void {
    this.#isLeader = isLeader;
    this.#published = undefined;
    this.#refill = undefined;
    this.#stood = undefined;
    this.#metrics.pending.set(0);
    this.#alarm.ring();
  }

  /** Until it was asked, the stream counts as holding what was there before this process led. */
  #countPending(stands = this.#stood ?? this.#known): void {
    this.#stood = stands;
    this.#metrics.pending.set(this.#isLeader ? Math.max(0, this.#known - stands) : 0);
  }

  async #runForEver(): Promise<void> {
    const { domain, databaseUrl, health, log } = this.options;
    await keepConnected(
      {
        databaseUrl,
        applicationName: `aurora ${domain} relay`,
        signal: this.#abort.signal,
        onBroken: () => this.#alarm.ring(),
        onLost: (error) => {
          // Whatever happened to Redis meanwhile: ask the stream again where it stands.
          this.#published = undefined;
          health.set('relay', 'degraded', describeError(error));
          log.warn({ error: describeError(error), known: this.#known }, 'Relay waits for its services');
        },
      },
      (client, succeeded) => this.#run(client, succeeded),
    );
  }

  async #run(client: Client, succeeded: () => void): Promise<void> {
    let epoch = await readEpoch(client, this.options.domain);
    while (!this.#abort.signal.aborted) {
      if (this.#isLeader) {
        // Whoever led before may have begun another one since this connection was made.
        if (this.#published === undefined) epoch = await readEpoch(client, this.options.domain);
        if (await this.#isTableBehind(client, epoch)) epoch = await this.#beginEpoch(client);
        await this.#publish(client, epoch);
        await this.#trimNowAndThen(client);
      }
      this.options.health.set('relay', 'up');
      succeeded();
      await this.#alarm.wait(STREAM_CHECK_MS);
    }
  }

  /**
   * Whether the stream holds events of this epoch that the table does not: the database was restored to an earlier state, or
   * a replica was promoted that had not got all. Their positions are going to be given anew, to other events.
   *
   * The stream is asked on every wake-up, so that one wiped while nothing happens is filled within a second, too. After each
   * connection it is asked for its last event as well: positions may have been given anew before this process looked.
   */
  async #isTableBehind(client: Client, epoch: string): Promise<boolean> {
    if (this.#published !== undefined && this.#published < this.#known) return false;
    const isFirstLook = this.#published === undefined;
    this.#published = Number(await this.#call(epoch, this.#published ?? 0, []));
    if (this.#published > this.#known && this.#published > (await lastPosition(client, this.options.domain)))
      return true;
    return isFirstLook && !(await this.#isOfThisHistory(client));
  }

  /** Whether the stream's last event is the one that the table has at that position; one that was erased is nobody else's. */
  async #isOfThisHistory(client: Client): Promise<boolean> {
    const { domain, redis } = this.options;
    const [raw] = (await redis.xrevrange(eventStream(domain), '+', '-', 'COUNT', 1)) as RawEntry[];
    if (raw === undefined) return true;
    const { entryId, messageId } = parseEntry(eventStream(domain), raw);
    const { rows } = await client.query<{ id: string }>(
      `select id from ${domain}.event_position join ${domain}.event using (seq) where position = $1`,
      [Number.parseInt(entryId, 10)],
    );
    return rows[0] === undefined || rows[0].id === messageId;
  }

  /** The first call with it clears the streams; live fields tell their clients to query again. */
  async #beginEpoch(client: Client): Promise<string> {
    const { domain, log } = this.options;
    const { rows } = await client.query<{ epoch: string }>(
      `update ${domain}.event_epoch set epoch = encode(substr(sha256(gen_random_uuid()::text::bytea), 1, 8), 'hex') returning epoch`,
    );
    const epoch = rows[0]?.epoch ?? '';
    log.warn({ epoch, stands: this.#published, known: this.#known }, 'The database went back; a new epoch begins');
    this.#refill = undefined;
    this.#published = Number(await this.#call(epoch, 0, []));
    return epoch;
  }

  async #publish(client: Client, epoch: string): Promise<void> {
    this.#published ??= 0;
    while (this.#published < this.#known && !this.#abort.signal.aborted) {
      const from: number = this.#published;
      const rows = await this.#readNext(client, from);
      if (rows.length === 0) {
        // The last events were erased, or are older than what is published again. The stream is asked all the same whether it
        // was wiped: what lies before them may have to be published once more.
        this.#published = Number(await this.#call(epoch, from, []));
        break;
      }
      const stands = Number(await this.#call(epoch, from, rows));
      if (stands !== Number(rows.at(-1)?.position)) {
        this.options.log.warn({ expected: from, stands }, 'The stream stands elsewhere; publishing from there');
        this.#published = stands;
        continue;
      }
      this.#published = stands;
      this.#countPending(stands);
      const now = Date.now();
      for (const row of rows) this.#metrics.latency.observe(Math.max(0, now - row.occurred_at.getTime()) / 1000);
    }
    // What is left is older than anything that is published again, so nothing waits.
    this.#countPending(this.#known);
  }

  /** The events behind where the stream stands. */
  async #readNext(client: Client, stands: number): Promise<EventRow[]> {
    const { domain, refilled, routes } = this.options;
    // Asked once for each last position: where everything is too old, the stream stays empty, and is looked at every second.
    if (stands === 0 && this.#refill?.known !== this.#known) this.#refill = await this.#findRefill(client);
    const { begin = 0, end = 0 } = this.#refill ?? {};
    let after = stands === 0 ? begin : stands;
    if (refilled === undefined || after >= end) return readEvents(client, domain, after);
    const types = [...refilled, ...Object.keys(routes)];
    // Span by span: no statement is to look through a day in which nobody needs anything.
    for (; after < end; after += REFILL_SPAN) {
      const rows = await readEvents(client, domain, after, { types, until: end, last: after + REFILL_SPAN });
      if (rows.length > 0) return rows;
    }
    return readEvents(client, domain, end);
  }

  /** An installation's whole history would not fit into Redis. */
  async #findRefill(client: Client): Promise<Refill> {
    const known = this.#known;
    const before = async (ms: number): Promise<number> =>
      (await firstPositionAfter(client, this.options.domain, new Date(Date.now() - ms), known)) - 1;
    return { known, begin: await before(REPUBLISH_MS), end: await before(REFILL_WHOLE_MS) };
  }

  #call(epoch: string, stands: number, rows: readonly EventRow[]): Promise<string> {
    const args: (string | number | Buffer)[] = [epoch, stands];
    for (const row of rows) {
      const route = this.options.routes[row.type];
      const values: Record<(typeof STREAM_FIELDS)[number], string | number | Buffer> = {
        epoch,
        id: row.id,
        type: row.type,
        subject: row.subject,
        tenant: row.tenant,
        version: row.version,
        traceparent: row.traceparent ?? '',
        body: row.body,
      };
      args.push(
        row.position,
        route === undefined ? '' : this.#keys.indexOf(route) + 1,
        ...STREAM_FIELDS.map((field) => values[field]),
      );
    }
    return this.#redis.publishEvents(this.#keys.length, ...this.#keys, ...args);
  }

  async #trimNowAndThen(client: Client): Promise<void> {
    if (Date.now() - this.#trimmedAt < TRIM_MS) return;
    this.#trimmedAt = Date.now();
    const { domain, redis, readers = {} } = this.options;
    const [keepFrom, keepAtMost] = [
      await firstPositionAfter(client, domain, new Date(Date.now() - KEEP_MS), this.#known),
      await firstPositionAfter(client, domain, new Date(Date.now() - REPUBLISH_MS), this.#known),
    ];
    for (const stream of this.#keys.slice(1)) {
      await trimStream(redis, stream, `${keepFrom}-0`, readers[stream]);
      // Whatever groups there are: one that never comes must not fill Redis.
      await trimStream(redis, stream, `${keepAtMost}-0`);
    }
  }
}

export async function readEpoch(client: Pick<Client, 'query'>, domain: string): Promise<string> {
  const { rows } = await client.query<{ epoch: string }>(`select epoch from ${domain}.event_epoch`);
  const epoch = rows[0]?.epoch;
  if (epoch === undefined) throw new Error(`${domain}.event_epoch is empty`);
  return epoch;
}

/** Until a position only events of these types. The one at it comes whatever it is, so that the stream stands there. */
interface Selection {
  readonly types: readonly string[];
  readonly until: number;
  /** None behind it is looked at. */
  readonly last: number;
}

async function readEvents(client: Client, domain: string, after: number, only?: Selection): Promise<EventRow[]> {
  const { rows } = await client.query<EventRow>(
    `select p.position, e.id, e.type, e.subject, e.tenant, e.version, e.traceparent, e.body, e.occurred_at
     from ${domain}.event_position p join ${domain}.event e using (seq)
     where p.position > $1 ${only ? 'and p.position <= $4 and (e.type = any($2) or p.position >= $3)' : ''} order by p.position limit ${BATCH}`,
    only ? [after, only.types, only.until, only.last] : [after],
  );
  return rows;
}

function createMetrics(health: Health) {
  return {
    pending: new Gauge({
      name: 'aurora_outbox_pending',
      help: 'Sequenced events that are not on the stream yet',
      registers: [health.metrics],
    }),
    latency: new Histogram({
      name: 'aurora_outbox_publish_latency_seconds',
      help: 'From the change to its entry on the stream',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1, 10],
      registers: [health.metrics],
    }),
  };
}
