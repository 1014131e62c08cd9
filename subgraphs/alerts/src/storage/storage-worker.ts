/**
 * Stores batches of events, and tells ingest which are durable. A batch and its acknowledgement commit together; a batch
 * that comes again changes no row but its own and is acknowledged again, since ingest may have missed the first time.
 */
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { type Clock, systemClock } from '@aurorasoc/kit/ids';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import { type EventBatch, readBatch } from '../event/event-batch.js';
import { insertEvents, PartitionKeeper } from '../event/insert-events.js';
import type { AlertsEvents } from '../events.js';

export const STORAGE_GROUP = 'alerts-storage';
export const STORAGE_ACTOR = { kind: 'service', id: 'alerts/storage' } as const;

/** The stream handler of the storage worker. @param database - of the `store` login. */
export function storeBatches(
  database: Database,
  recorder: EventRecorder<AlertsEvents>,
  clock: Clock = systemClock,
): (entries: readonly StreamEntry[]) => Promise<void> {
  const partitions = new PartitionKeeper(database);
  return async (entries) => {
    const batches = new Map(entries.map((entry) => [entry, readBatch(entry)]));
    await partitions.prepare([...batches.values()].flatMap((batch) => batch.events));
    const store = handleOnce(database, STORAGE_GROUP, async (em, fresh, repeated) => {
      for (const batch of fresh.flatMap((entry) => batches.get(entry) ?? []))
        await inSpan(
          'store batch',
          {
            kind: SpanKind.CONSUMER,
            parent: batch.traceparent,
            attributes: { 'messaging.batch.message_count': batch.events.length },
          },
          () => storeBatch(em, recorder, batch, clock()),
        );
      for (const entry of repeated) await acknowledgeAgain(em, recorder, entry, clock());
    });
    await store(entries);
  };
}

async function storeBatch(
  em: EntityManager,
  recorder: EventRecorder<AlertsEvents>,
  batch: EventBatch,
  now: Date,
): Promise<void> {
  const stored = await insertEvents(em, batch.tenant, batch.events);
  const raw = batch.events.filter(
    (event) => (event.document.event as { kind?: unknown }).kind === 'pipeline_error',
  ).length;
  const counts = { received: batch.events.length, stored, raw };
  // The receipt outlives the inbox row: a batch that comes after that was removed is a repeat all the same. It is removed only
  // when its batch would be refused for its age.
  const [receipt] = (await em.execute(
    `insert into alerts.ingest_batch (id, tenant, version, received, stored, raw, stored_at) values (?, ?, 1, ?, ?, ?, ?)
     on conflict (id) do update set version = ingest_batch.version + 1 returning version`,
    [batch.id, batch.tenant, counts.received, counts.stored, counts.raw, now],
  )) as { version: number }[];
  await recorder.record(em, {
    type: 'batch.stored',
    subject: batch.id,
    version: receipt?.version ?? 1,
    tenant: batch.tenant,
    actor: STORAGE_ACTOR,
    data: counts,
    occurredAt: now,
  });
}

async function acknowledgeAgain(
  em: EntityManager,
  recorder: EventRecorder<AlertsEvents>,
  entry: StreamEntry,
  now: Date,
): Promise<void> {
  const [batch] = (await em.execute(
    'update alerts.ingest_batch set version = version + 1 where id = ? returning version, received, stored, raw',
    [entry.messageId],
  )) as { version: number; received: number; stored: number; raw: number }[];
  // Without a row the first delivery stands earlier in this very run of entries.
  if (!batch) return;
  const { version, ...counts } = batch;
  await recorder.record(em, {
    type: 'batch.stored',
    subject: entry.messageId,
    version,
    tenant: entry.tenant,
    actor: STORAGE_ACTOR,
    data: counts,
    occurredAt: now,
  });
}
