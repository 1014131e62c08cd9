/** Batches of events on their way to storage: normalised, with everything that their consumers need. */
import { eventIdOf } from '@aurorasoc/kit/ids';
import type { Normalizer, ReasonCode } from '@aurorasoc/normalize';
import { type Batch, readLines } from '../batch/batch.js';
import { partitionOf, type Route } from './route.js';

/** Of the entry's layout; a consumer that finds another does not know how to read it. */
export const ENTRY_VERSION = '1';

/** Bounds of INGEST_PARTITIONS, the same in every consumer. */
export const PARTITIONS = { least: 1, most: 64 } as const;

export const EVENT_ACKNOWLEDGEMENTS = {
  stream: 'aurora:alerts:acknowledgements',
  stored: 'batch.stored',
  discarded: 'batch.discarded',
} as const;

export function createEventRoute(normalizer: Normalizer, partitions: number): Route {
  return {
    name: 'events',
    acknowledgements: EVENT_ACKNOWLEDGEMENTS,
    carries: ({ device }) => device === undefined,
    streamOf: (batchId) => eventStreamOf(batchId, partitions),
    prepare: (batch) => {
      const { body, raw } = normalizeBatch(batch, normalizer);
      return { raw, fields: (traceparent) => entryFields(batch, body, traceparent ?? batch.header.traceparent) };
    },
  };
}

interface NormalizedBatch {
  /** One canonical ECS document per line, in the order of the lines; canonical JSON holds no line break. */
  readonly body: string;
  /** How many lines became raw events, by reason. */
  readonly raw: ReadonlyMap<ReasonCode, number>;
}

function normalizeBatch(batch: Batch, normalizer: Normalizer): NormalizedBatch {
  const { id, received } = batch.header;
  const events: string[] = [];
  const raw = new Map<ReasonCode, number>();
  for (const line of readLines(batch.body)) {
    const event = normalizer.normalize(line, { eventId: eventIdOf(id, events.length), ingested: received });
    if (event.outcome === 'raw') raw.set(event.reason, (raw.get(event.reason) ?? 0) + 1);
    events.push(event.json);
  }
  return { body: events.join('\n'), raw };
}

/** The entry's fields, flat, as XADD takes them. */
export function entryFields(batch: Batch, body: string, traceparent: string | undefined): string[] {
  const { id, tenant, received } = batch.header;
  return [
    'id',
    id,
    'tenant',
    tenant,
    'received',
    received,
    'traceparent',
    traceparent ?? '',
    'v',
    ENTRY_VERSION,
    'body',
    body,
  ];
}

/** The stream of a batch. */
export function eventStreamOf(batchId: string, partitions: number): string {
  return `aurora:ingest:events:${partitionOf(batchId, partitions)}`;
}
