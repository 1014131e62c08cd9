/**
 * How much of PostgreSQL's own speed is left to the storage of events: the storage worker's handler (login under row security,
 * inbox, repeats, receipt and event, all from the text of the stream's entries) against COPY of the same rows into a table of
 * the same columns and indexes by a superuser, with the rows ready made.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { alertsEvents } from '@aurorasoc/alerts/events';
import { storeBatches } from '@aurorasoc/alerts/storage';
import { EventRecorder } from '@aurorasoc/kit/events';
import { eventIdOf, newBatchId, newId } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { createNormalizer } from '@aurorasoc/normalize';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { type GivenPostgres, Installation } from '../soak/streams/installation.js';
import { processStart } from '../support/events.js';
import { type BenchOutcome, type Comparison, compare, judge, rateOf } from './compare.js';

export interface StoreBenchSize {
  readonly rounds: number;
  /** Of each round. */
  readonly batches: number;
}

export interface StoreBenchOutcome extends BenchOutcome, Pick<Comparison, 'ours' | 'peer'> {
  /** Rows of all rounds, the uncounted one too. */
  readonly given: number;
  readonly stored: number;
  readonly copied: number;
}

const FULL: StoreBenchSize = { rounds: 7, batches: 64 };
const TARGET = { goal: 0.35, floor: 0.35 };
const DATABASE = 'store_bench';
const TENANT = newId();
const normalizer = createNormalizer();
/** What fits of such lines into the most bytes that ingest puts into one batch. */
const EVENTS_PER_BATCH = 200;
/** As many entries as the worker reads at a time. */
const BATCHES_PER_READ = 64;

export async function benchStore(
  size: StoreBenchSize = FULL,
  given?: GivenPostgres | undefined,
): Promise<StoreBenchOutcome> {
  const installation = await Installation.start({ given, durable: true });
  try {
    await installation.createDatabase(DATABASE, ['alerts']);
    const admin = await installation.openAdmin(DATABASE);
    await admin.query('create table public.copied (like alerts.ingested_event including all)');
    const recorder = new EventRecorder('alerts', 'bench', alertsEvents);
    const store = storeBatches(await installation.openDomain(DATABASE, 'alerts', 4, 'store'), recorder);
    const rows = size.batches * EVENTS_PER_BATCH;
    const counts = { given: 0, stored: 0, copied: 0 };
    let copyText: readonly Buffer[] = [];
    const storing = async (): Promise<number> => {
      await admin.query('truncate alerts.ingested_event');
      const entries = makeEntries(size.batches);
      await admin.query('checkpoint');
      const rate = await rateOf(rows, () => storeAll(store, entries));
      copyText = await readCopy(admin);
      counts.given += rows;
      counts.stored += await countRows(admin, 'alerts.ingested_event');
      return rate;
    };
    const copying = async (): Promise<number> => {
      await admin.query('truncate public.copied');
      await admin.query('checkpoint');
      const rate = await rateOf(rows, () => writeCopy(admin, copyText));
      counts.copied += await countRows(admin, 'public.copied');
      return rate;
    };
    const { ratio, ours, peer } = await compare(
      { name: 'storage worker', round: storing },
      { name: 'COPY', round: copying },
      size.rounds,
      'rows',
    );
    const outcome = judge('store', ratio, TARGET, [
      {
        name: 'both hold every row',
        met: counts.stored === counts.given && counts.copied === counts.given,
        seen: `${counts.stored} stored and ${counts.copied} copied of ${counts.given}`,
      },
    ]);
    return { ...outcome, ours, peer, ...counts };
  } finally {
    await installation.stop();
    installation.remove();
  }
}

async function storeAll(
  store: (entries: readonly StreamEntry[]) => Promise<void>,
  entries: readonly StreamEntry[],
): Promise<void> {
  for (let at = 0; at < entries.length; at += BATCHES_PER_READ) await store(entries.slice(at, at + BATCHES_PER_READ));
}

/** Entries of one tenant as ingest publishes them. */
function makeEntries(batches: number): StreamEntry[] {
  const stream = 'aurora:ingest:events:0';
  return Array.from({ length: batches }, (_, n) => {
    const id = newBatchId();
    const received = new Date().toISOString();
    const events = Array.from({ length: EVENTS_PER_BATCH }, (_, line) => {
      const raw = Buffer.from(JSON.stringify(makeRecord(n * EVENTS_PER_BATCH + line)));
      return normalizer.normalize(raw, { eventId: eventIdOf(id, line), ingested: received }).json;
    });
    const fields = new Map([
      ['id', id],
      ['tenant', TENANT],
      ['received', received],
      ['traceparent', ''],
      ['body', events.join('\n')],
    ]);
    return { stream, key: stream, entryId: `${n + 1}-0`, messageId: id, tenant: TENANT, fields };
  });
}

/** Hosts, people and programs repeat as they do in an office; each line differs from every other. */
function makeRecord(n: number): object {
  return processStart({
    host: `WS-${n % 211}.corp.example`,
    user: `CORP\\user${n % 97}`,
    image: `C:\\Program Files\\Vendor ${n % 53}\\program.exe`,
    commandLine: `"C:\\Program Files\\Vendor ${n % 53}\\program.exe" --session ${n} --mode interactive`,
    parentImage: 'C:\\Windows\\explorer.exe',
    processGuid: `{00000000-0000-0000-0000-${String(n).padStart(12, '0')}}`,
  });
}

/** The stored rows in COPY's own text form. */
async function readCopy(admin: Client): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  // In the order in which they were stored, as the worker had them.
  const text = admin.query(copyTo('copy (select * from alerts.ingested_event order by id) to stdout'));
  for await (const chunk of text) chunks.push(chunk as Buffer);
  return chunks;
}

async function writeCopy(admin: Client, chunks: readonly Buffer[]): Promise<void> {
  await pipeline(Readable.from(chunks), admin.query(copyFrom('copy public.copied from stdin')));
}

async function countRows(admin: Client, table: string): Promise<number> {
  const { rows } = await admin.query<{ count: string }>(`select count(*) from ${table}`);
  return Number(rows[0]?.count);
}
