/**
 * What the outbox costs: events that stand in PostgreSQL, given their positions by the sequencer and published by the relay of the
 * product's own worker process, which seals them meanwhile, against XADD of the same entries, as many in one pipeline as the
 * relay publishes at a time. Before that, how long an event takes from its commit to the stream: at rest, and while writers
 * write as fast as they can.
 */
import { eventStream } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import type { Redis } from '@aurorasoc/kit/streams';
import type { Client } from 'pg';
import { runEventLog } from '../soak/streams/event-log.js';
import { type GivenPostgres, Installation } from '../soak/streams/installation.js';
import { seededRandom } from '../support/random.js';
import { eventually } from '../support/wait.js';
import { type BenchOutcome, type Comparison, compare, judge, rateOf } from './compare.js';

export interface OutboxBenchSize {
  readonly rounds: number;
  /** Of each round. */
  readonly events: number;
  readonly atRest: number;
  /** Written without a pause by {@link WRITERS}. */
  readonly underLoad: number;
}

export interface OutboxBenchOutcome extends BenchOutcome, Pick<Comparison, 'ours' | 'peer'> {
  readonly atRestP99Ms: number;
  readonly underLoadP99Ms: number;
  /** That the writers committed under load, a second. */
  readonly writtenPerSecond: number;
  /** Entries that stand on the stream, of as many events as were written. */
  readonly published: number;
  readonly written: number;
}

const FULL: OutboxBenchSize = { rounds: 7, events: 20_000, atRest: 300, underLoad: 10_000 };
const TARGET = { goal: 0.3, floor: 0.2 };
const AT_REST_MS = 15;
const UNDER_LOAD_MS = 250;
const DATABASE = 'outbox_bench';
const DOMAIN = 'memory';
const STREAM = eventStream(DOMAIN);
const PEER_STREAM = 'bench:peer';
const WRITERS = 50;
/** As many as the relay gives to its script at a time. */
const PIPELINE = 500;
const TENANT = newId();
const TYPE = 'thing.changed';
/** As long as the product's events are. */
const BODY = JSON.stringify({
  actor: { id: 'soak', kind: 'service' },
  data: { alertId: newId(), note: 'n'.repeat(160), status: 'RUNNING' },
  datacontenttype: 'application/json',
  id: newId(),
  source: `aurora://soak/${DOMAIN}`,
  specversion: '1.0',
  subject: newId(),
  tenant: TENANT,
  time: new Date().toISOString(),
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  type: TYPE,
  version: 1,
});

export async function benchOutbox(
  seed: number,
  size: OutboxBenchSize = FULL,
  given?: GivenPostgres | undefined,
): Promise<OutboxBenchOutcome> {
  const installation = await Installation.start({ given, durable: true });
  try {
    await installation.createDatabase(DATABASE, [DOMAIN]);
    installation.startRole(`${DOMAIN}-worker`, `${DOMAIN}-worker-1`, DATABASE);
    const load = { events: size.underLoad, writers: WRITERS, maxPauseMs: 0, atRest: size.atRest };
    const log = await runEventLog(installation, DATABASE, seededRandom(seed), load);
    const admin = await installation.openAdmin(DATABASE);
    const redis = await installation.openRedis('bench');
    const { ratio, ours, peer } = await compare(
      { name: 'sequencer and relay', round: () => publishRound(admin, redis, size.events) },
      { name: 'pipelined XADD', round: () => addRound(redis, size.events) },
      size.rounds,
      'events',
    );
    const written = log.committed + (size.rounds + 1) * size.events;
    const published = await redis.xlen(STREAM);
    const { atRestP99Ms, underLoadP99Ms, eventsPerSecond } = log;
    const outcome = judge('outbox', ratio, TARGET, [
      {
        name: 'every event once, in order, without a gap',
        met: log.problems.length === 0 && published === written,
        seen: log.problems.join('; ') || `${published} of ${written}`,
      },
      {
        name: `commit to stream at rest, p99 ≤ ${AT_REST_MS} ms`,
        met: atRestP99Ms <= AT_REST_MS,
        seen: `${atRestP99Ms} ms`,
      },
      {
        name: `commit to stream at full load, p99 < ${UNDER_LOAD_MS} ms`,
        met: underLoadP99Ms < UNDER_LOAD_MS,
        seen: `${underLoadP99Ms} ms, at ${eventsPerSecond} events/s`,
      },
    ]);
    return {
      ...outcome,
      ours,
      peer,
      atRestP99Ms,
      underLoadP99Ms,
      writtenPerSecond: eventsPerSecond,
      published,
      written,
    };
  } finally {
    await installation.stop();
    installation.remove();
  }
}

/** From the commit of all events until the last is on the stream. */
async function publishRound(admin: Client, redis: Redis, events: number): Promise<number> {
  const last = (await lastPosition(redis)) + events;
  await admin.query('begin');
  await admin.query(
    `with written as (
       insert into ${DOMAIN}.event (id, tenant, type, subject, version, occurred_at, body)
       select gen_random_uuid(), $1, $2, gen_random_uuid(), 1, now(), convert_to($3, 'UTF8') from generate_series(1, $4)
       returning seq, tenant
     ) insert into ${DOMAIN}.event_pending (seq, tenant) select seq, tenant from written`,
    [TENANT, TYPE, BODY, events],
  );
  await admin.query(`select pg_notify('${DOMAIN}_event', '')`);
  return rateOf(events, async () => {
    await admin.query('commit');
    await eventually(
      () => lastPosition(redis),
      (position) => position === last,
      120_000,
    );
  });
}

async function lastPosition(redis: Redis): Promise<number> {
  const info = (await redis.xinfo('STREAM', STREAM)) as unknown[];
  return Number.parseInt(String(info[info.indexOf('last-generated-id') + 1]), 10);
}

async function addRound(redis: Redis, events: number): Promise<number> {
  await redis.del(PEER_STREAM);
  const entries = Array.from({ length: events }, () => [
    ...['epoch', '0123456789abcdef', 'id', newId(), 'type', TYPE, 'subject', newId(), 'tenant', TENANT],
    ...['version', '1', 'traceparent', '', 'body', BODY],
  ]);
  return rateOf(events, async () => {
    for (let at = 0; at < events; at += PIPELINE) {
      const pipeline = redis.pipeline();
      entries
        .slice(at, at + PIPELINE)
        .forEach((fields, index) => void pipeline.xadd(PEER_STREAM, `${at + index + 1}-0`, ...fields));
      const answers = await pipeline.exec();
      for (const [error] of answers ?? []) if (error) throw error;
    }
  });
}
