/**
 * Stores devices' telemetry, and tells ingest what is durable. Samples, what they change about their device, and the
 * acknowledgement commit together. Nothing is dropped: what cannot be a sample is kept as it came, and acknowledged as well,
 * since sending it again would not mend it.
 */
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { type Clock, systemClock } from '@aurorasoc/kit/ids';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { LockMode } from '@mikro-orm/core';
import { Device } from '../device/device.entity.js';
import type { DeviceLog } from '../device/device-log.js';
import { markSeen } from '../device/presence.js';
import { telemetrySubject } from '../events.js';
import { type DecodingProblem, decodePayload, digestOf } from './decode-payload.js';
import { NOBODY } from './find-tenants.js';
import { insertSamples, type NewSample, type SampleOutcome } from './insert-samples.js';
import { readTelemetryBatch, type TelemetryBatch } from './telemetry-batch.js';

export const TELEMETRY_GROUP = 'devices-telemetry';
export const TELEMETRY_ACTOR = { kind: 'service', id: 'devices/telemetry' } as const;

export type BatchOutcome = SampleOutcome | DecodingProblem | 'UNKNOWN_DEVICE';

export interface TelemetryWorkerOptions {
  readonly database: Database;
  readonly deviceLog: DeviceLog;
  /** Milliseconds of silence after which a device is offline. */
  readonly graceMs: number;
  /** Told once for each message, after it is durable. */
  readonly count: (outcome: BatchOutcome) => void;
  readonly clock?: Clock;
}

/** The stream handler; its entries carry the tenants of their devices. */
export function storeTelemetry(options: TelemetryWorkerOptions): (entries: readonly StreamEntry[]) => Promise<void> {
  const { database, count, clock = systemClock } = options;
  return async (entries) => {
    // The transaction may be tried again, so it is what it ended with that counts.
    let outcomes: readonly BatchOutcome[] = [];
    const store = handleOnce(database, TELEMETRY_GROUP, async (em, fresh, repeated) => {
      const now = clock();
      const tenant = entries[0]?.tenant ?? NOBODY;
      outcomes = await storeBatches(em, options, tenant, fresh.map(readTelemetryBatch), now);
      for (const entry of repeated) await acknowledgeAgain(em, options.deviceLog, entry, now);
    });
    await store(entries);
    outcomes.forEach(count);
  };
}

/** @returns one outcome per batch. */
async function storeBatches(
  em: EntityManager,
  options: TelemetryWorkerOptions,
  tenant: string,
  batches: readonly TelemetryBatch[],
  now: Date,
): Promise<BatchOutcome[]> {
  const outcomes = new Map<TelemetryBatch, BatchOutcome>();
  const devices = await lockDevices(em, tenant, batches);
  for (const [id, ofDevice] of Map.groupBy(batches, (batch) => batch.device)) {
    const device = devices.get(id);
    for (const [batch, outcome] of device
      ? await storeOfDevice(em, options, device, ofDevice, now)
      : ofDevice.map((batch) => [batch, 'UNKNOWN_DEVICE'] as const))
      outcomes.set(batch, outcome);
  }
  const judged = batches.map((batch) => outcomes.get(batch) ?? 'UNKNOWN_DEVICE');
  for (const [index, batch] of batches.entries())
    await settle(em, options.deviceLog, tenant, batch, judged[index] ?? 'UNKNOWN_DEVICE', now);
  return judged;
}

/** In the order of ids, so that two workers never wait for each other. */
async function lockDevices(
  em: EntityManager,
  tenant: string,
  batches: readonly TelemetryBatch[],
): Promise<ReadonlyMap<string, Device>> {
  if (tenant === NOBODY) return new Map();
  const ids = [...new Set(batches.map((batch) => batch.device))];
  const options = { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } } as const;
  return new Map((await em.find(Device, { id: { $in: ids } }, options)).map((device) => [device.id, device]));
}

async function storeOfDevice(
  em: EntityManager,
  { deviceLog, graceMs }: TelemetryWorkerOptions,
  device: Device,
  batches: readonly TelemetryBatch[],
  now: Date,
): Promise<(readonly [TelemetryBatch, BatchOutcome])[]> {
  const refused: (readonly [TelemetryBatch, BatchOutcome])[] = [];
  const samples: NewSample[] = [];
  const sampled: TelemetryBatch[] = [];
  for (const batch of batches) {
    const payload = Buffer.from(batch.body, 'base64');
    const decoded = decodePayload(payload);
    if ('reason' in decoded) {
      refused.push([batch, decoded.reason]);
      continue;
    }
    const { id, receivedAt } = batch;
    samples.push({ id, receivedAt, digest: digestOf(payload), measurement: decoded.measurement });
    sampled.push(batch);
  }
  const outcomes = samples.length === 0 ? [] : await insertSamples(em, device.tenant, device.id, samples);
  const latest = new Date(Math.max(...batches.map((batch) => batch.receivedAt.getTime())));
  await markSeen(em, deviceLog, device, latest, now, graceMs);
  await recordNew(
    em,
    deviceLog,
    device,
    samples.filter((_, index) => outcomes[index] === 'STORED'),
    now,
  );
  return [...refused, ...sampled.map((batch, index) => [batch, outcomes[index] ?? 'DUPLICATE'] as const)];
}

/** Tells live fields of new samples: one event for all that a device brought in this transaction. */
async function recordNew(
  em: EntityManager,
  { recorder }: DeviceLog,
  device: Device,
  samples: readonly NewSample[],
  now: Date,
): Promise<void> {
  if (samples.length === 0) return;
  device.recordings += 1;
  await recorder.record(em, {
    type: 'telemetry.recorded',
    subject: telemetrySubject(device.id),
    version: device.recordings,
    tenant: device.tenant,
    actor: { kind: 'device', id: device.id },
    data: {
      sequences: samples.map(({ measurement }) => measurement.sequence),
      metrics: [...new Set(samples.flatMap(({ measurement }) => [...measurement.metrics.keys()]))],
    },
    occurredAt: now,
  });
}

const KEPT_AS_SAMPLE: ReadonlySet<BatchOutcome> = new Set<BatchOutcome>(['STORED', 'DUPLICATE']);

/** Keeps what is no sample, and writes the receipt that acknowledges the batch. */
async function settle(
  em: EntityManager,
  { recorder }: DeviceLog,
  tenant: string,
  batch: TelemetryBatch,
  outcome: BatchOutcome,
  now: Date,
): Promise<void> {
  if (!KEPT_AS_SAMPLE.has(outcome))
    await em.execute(
      `insert into devices.refused_telemetry (id, tenant, device, reason, received_at, body) values (?, ?, ?, ?, ?, ?)
       on conflict (id) do nothing`,
      [batch.id, tenant, batch.device, outcome, batch.receivedAt, batch.body.replaceAll('\0', '\ufffd')],
    );
  const [receipt] = (await em.execute(
    `insert into devices.telemetry_batch (id, tenant, version, outcome, handled_at) values (?, ?, 1, ?, ?)
     on conflict (id) do update set version = telemetry_batch.version + 1 returning version`,
    [batch.id, tenant, outcome, now],
  )) as { version: number }[];
  await recorder.record(em, {
    type: 'telemetry.stored',
    subject: batch.id,
    version: receipt?.version ?? 1,
    tenant,
    actor: TELEMETRY_ACTOR,
    data: { outcome },
    occurredAt: now,
  });
}

/** Ingest may have missed the first time. */
async function acknowledgeAgain(
  em: EntityManager,
  { recorder }: DeviceLog,
  entry: StreamEntry,
  now: Date,
): Promise<void> {
  const [receipt] = (await em.execute(
    'update devices.telemetry_batch set version = version + 1 where id = ? returning version, outcome',
    [entry.messageId],
  )) as { version: number; outcome: string }[];
  // A batch that is poison has an inbox row in no transaction that committed, so there is a receipt for each row.
  if (!receipt) return;
  await recorder.record(em, {
    type: 'telemetry.stored',
    subject: entry.messageId,
    version: receipt.version,
    tenant: entry.tenant,
    actor: TELEMETRY_ACTOR,
    data: { outcome: receipt.outcome },
    occurredAt: now,
  });
}
