/**
 * The event log under concurrent writers: dense positions, each entity in the order of its versions, and how long an event takes
 * from its commit to the stream. The publisher is the product's own worker process; another transaction stays open all the time.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder, eventStream } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { parseEntry, type RawEntry, type Redis } from '@aurorasoc/kit/streams';
import type { Client } from 'pg';
import { z } from 'zod';
import { between, type Random } from '../../support/random.js';
import { eventually } from '../../support/wait.js';
import { now } from './history.js';
import type { Installation } from './installation.js';

export interface EventLogLoad {
  readonly events: number;
  readonly writers: number;
  /** Longest of the random pauses inside of a transaction and between two, milliseconds. */
  readonly maxPauseMs: number;
  /** Written one by one before the load, to see the latency at rest. */
  readonly atRest: number;
}

/** What writers and reader saw of one event, by `<subject> <version>`. */
interface Passage {
  /** Just before the commit was sent: what is measured from here is never too short. */
  readonly committingAt: number;
}

export interface EventLogOutcome {
  readonly committed: number;
  readonly rolledBack: number;
  readonly problems: readonly string[];
  readonly atRestP99Ms: number;
  readonly underLoadP99Ms: number;
  readonly eventsPerSecond: number;
}

const DOMAIN = 'memory';
const ENTITIES = 200;
const CONNECT_EVERY_MS = 40;
const TENANT = newId();
/** One in so many transactions is rolled back. */
const ROLL_BACK = 30;
const recorder = new EventRecorder(DOMAIN, 'soak', { 'thing.changed': z.object({ writer: z.number() }) });

class RolledBack extends Error {}

/** @param database - name of one with the schema of {@link DOMAIN}. */
export async function runEventLog(
  installation: Installation,
  database: string,
  random: Random,
  load: EventLogLoad,
): Promise<EventLogOutcome> {
  const admin = await installation.openAdmin(database);
  await admin.query('create table public.thing (id integer primary key, version integer not null)');
  await admin.query(`grant select, update on public.thing to ${DOMAIN}_svc`);
  await admin.query(`insert into public.thing select n, 0 from generate_series(0, ${ENTITIES - 1}) n`);
  const holder = await installation.openAdmin(database);
  await holdTransactionOpen(holder);
  const writer = await installation.openDomain(database, DOMAIN, load.writers);
  const reader = new StreamReader(await installation.openRedis('event log'));
  reader.start();
  const written = new Map<string, Passage>();
  try {
    for (let n = 0; n <= load.atRest; n++) {
      await write(writer, random, 0, 0, written);
      await eventually(
        () => reader.seen.length,
        (count) => count === written.size,
        60_000,
      );
    }
    // Without the first, on which every part connects.
    const isAtRest = new Set([...written.keys()].slice(1));
    const began = now();
    let rolledBack = 0;
    let left = load.events;
    const writers = Array.from({ length: load.writers }, async (_, index) => {
      // One after the other: fifty that connect at one moment to a busy machine would run out of the time to connect.
      await wait(index * CONNECT_EVERY_MS);
      while (left-- > 0) {
        if (!(await write(writer, random, index, load.maxPauseMs, written))) rolledBack += 1;
        await wait(between(random, 0, load.maxPauseMs));
      }
    });
    await Promise.all(writers);
    const seconds = (now() - began) / 1_000;
    await eventually(
      () => reader.seen.length,
      (count) => count >= written.size,
      60_000,
    ).catch(() => undefined);
    return {
      committed: written.size,
      rolledBack,
      problems: checkEventLog(written, reader.seen),
      atRestP99Ms: percentile(
        latencies(written, reader.seen, (key) => isAtRest.has(key)),
        0.99,
      ),
      underLoadP99Ms: percentile(
        latencies(written, reader.seen, (key) => !isAtRest.has(key)),
        0.99,
      ),
      eventsPerSecond: Math.round(written.size / seconds),
    };
  } finally {
    await reader.stop();
    await holder.query('rollback');
  }
}

/** With a snapshot and a transaction id from before every write. */
async function holdTransactionOpen(holder: Client): Promise<void> {
  await holder.query('begin');
  await holder.query('create table public.unrelated (n integer)');
}

/** @returns whether it committed. */
async function write(
  database: Database,
  random: Random,
  writer: number,
  maxPauseMs: number,
  written: Map<string, Passage>,
): Promise<boolean> {
  const thing = between(random, 0, ENTITIES - 1);
  const [before, after] = [between(random, 0, maxPauseMs), between(random, 0, maxPauseMs)];
  const isRolledBack = maxPauseMs > 0 && between(random, 1, ROLL_BACK) === 1;
  let key = '';
  let committingAt = 0;
  try {
    await database.inTenant(TENANT, async (em) => {
      if (before > after) await wait(before);
      const [row] = (await em.execute('update public.thing set version = version + 1 where id = ? returning version', [
        thing,
      ])) as { version: number }[];
      const version = row?.version ?? 0;
      await recorder.record(em, {
        type: 'thing.changed',
        subject: `thing-${thing}`,
        version,
        tenant: TENANT,
        actor: { kind: 'service', id: 'soak' },
        data: { writer },
        occurredAt: new Date(),
      });
      // With the entity locked and the event written, but not committed: the moment at which orders go wrong.
      if (after >= before) await wait(after);
      if (isRolledBack) throw new RolledBack();
      key = `thing-${thing} ${version}`;
      committingAt = now();
    });
  } catch (error) {
    if (error instanceof RolledBack) return false;
    throw error;
  }
  written.set(key, { committingAt });
  return true;
}

interface Arrival {
  readonly key: string;
  readonly position: number;
  readonly at: number;
}

/** Reads the stream as a follower without a group does. */
class StreamReader {
  readonly seen: Arrival[] = [];
  #isStopped = false;
  #running: Promise<void> | undefined;

  constructor(private readonly redis: Redis) {}

  start(): void {
    this.#running = this.#read();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #read(): Promise<void> {
    const stream = eventStream(DOMAIN);
    for (let after = '0-0'; !this.#isStopped; ) {
      const reply = (await this.redis.xread('COUNT', 1_000, 'BLOCK', 100, 'STREAMS', stream, after)) as
        | [string, RawEntry[]][]
        | null;
      const at = now();
      for (const raw of reply?.[0]?.[1] ?? []) {
        const { fields, entryId } = parseEntry(stream, raw);
        after = entryId;
        const key = `${fields.get('subject')} ${fields.get('version')}`;
        this.seen.push({ key, position: Number.parseInt(entryId, 10), at });
      }
    }
  }
}

/** What is wrong with what arrived, against what the writers know to have committed. */
function checkEventLog(written: ReadonlyMap<string, Passage>, seen: readonly Arrival[]): string[] {
  const problems: string[] = [];
  const arrived = new Set(seen.map(({ key }) => key));
  const missing = [...written.keys()].filter((key) => !arrived.has(key));
  if (missing.length > 0) problems.push(`${missing.length} committed events never arrived, such as ${missing[0]}`);
  if (arrived.size !== seen.length) problems.push(`${seen.length - arrived.size} events arrived twice`);
  const unknown = [...arrived].filter((key) => !written.has(key));
  if (unknown.length > 0)
    problems.push(`${unknown.length} events arrived that nobody committed, such as ${unknown[0]}`);
  const gap = seen.findIndex(({ position }, index) => position !== index + 1);
  if (gap >= 0) problems.push(`position ${seen[gap]?.position} stands where ${gap + 1} belongs`);
  const versions = new Map<string, number>();
  for (const { key } of seen) {
    const [subject = '', version] = key.split(' ');
    const expected = (versions.get(subject) ?? 0) + 1;
    if (Number(version) !== expected) {
      problems.push(`${key} arrived where version ${expected} belongs`);
      break;
    }
    versions.set(subject, expected);
  }
  return problems;
}

function latencies(
  written: ReadonlyMap<string, Passage>,
  seen: readonly Arrival[],
  isCounted: (key: string) => boolean,
): number[] {
  return seen.flatMap(({ key, at }) => {
    const passage = isCounted(key) ? written.get(key) : undefined;
    return passage === undefined ? [] : [at - passage.committingAt];
  });
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}
