/** Writes a device's samples. Whoever calls holds the lock of the device's row, so that ranges have one writer. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import type { Measurement } from './decode-payload.js';

export interface NewSample {
  /** Of the batch that brought it. */
  readonly id: string;
  readonly receivedAt: Date;
  /** Of the payload, SHA-256 in hexadecimal. */
  readonly digest: string;
  readonly measurement: Measurement;
}

export type SampleOutcome = 'STORED' | 'DUPLICATE' | 'SEQUENCE_REUSED';

/**
 * One statement; a sequence number that is there stays as it is.
 * @returns for each sample whether it is new, was there, or another one has its number.
 */
export async function insertSamples(
  em: EntityManager,
  tenant: string,
  deviceId: string,
  samples: readonly NewSample[],
): Promise<SampleOutcome[]> {
  const inserted = (await em.execute(
    `insert into devices.sample (tenant, device_id, sequence, id, measured_at, received_at, digest, metrics)
     select ?::uuid, ?::uuid, sequence, id, measured_at, received_at, decode(digest, 'hex'), metrics::jsonb
     from unnest(?::bigint[], ?::uuid[], ?::timestamptz[], ?::timestamptz[], ?::text[], ?::text[])
       as row (sequence, id, measured_at, received_at, digest, metrics)
     on conflict (device_id, sequence) do nothing returning id, sequence`,
    [
      tenant,
      deviceId,
      arrayLiteral(samples.map(({ measurement }) => measurement.sequence)),
      arrayLiteral(samples.map(({ id }) => id)),
      arrayLiteral(samples.map(({ measurement }) => measurement.measuredAt.toISOString())),
      arrayLiteral(samples.map(({ receivedAt }) => receivedAt.toISOString())),
      arrayLiteral(samples.map(({ digest }) => digest)),
      arrayLiteral(samples.map(({ measurement }) => JSON.stringify(Object.fromEntries(measurement.metrics)))),
    ],
  )) as { id: string; sequence: string }[];
  await addToRanges(
    em,
    tenant,
    deviceId,
    inserted.map((row) => Number(row.sequence)),
  );
  const isNew = new Set(inserted.map((row) => row.id));
  const digests = await readDigests(
    em,
    deviceId,
    samples.filter(({ id }) => !isNew.has(id)),
  );
  return samples.map(({ id, digest, measurement }) => {
    if (isNew.has(id)) return 'STORED';
    return digests.get(measurement.sequence) === digest ? 'DUPLICATE' : 'SEQUENCE_REUSED';
  });
}

/** What the stored samples of these sequence numbers were made from. */
async function readDigests(
  em: EntityManager,
  deviceId: string,
  samples: readonly NewSample[],
): Promise<ReadonlyMap<number, string>> {
  if (samples.length === 0) return new Map();
  const rows = (await em.execute(
    `select sequence, encode(digest, 'hex') as digest from devices.sample where device_id = ? and sequence = any(?::bigint[])`,
    [deviceId, arrayLiteral(samples.map(({ measurement }) => measurement.sequence))],
  )) as { sequence: string; digest: string }[];
  return new Map(rows.map((row) => [Number(row.sequence), row.digest]));
}

/** @param sequences - none of which was there before. */
async function addToRanges(
  em: EntityManager,
  tenant: string,
  deviceId: string,
  sequences: readonly number[],
): Promise<void> {
  for (const { first, last } of rangesOf(sequences)) {
    // New numbers touch the range before them, the one behind them, both or none; they never lie inside of one.
    const touched = (await em.execute(
      `delete from devices.sequence_range where device_id = ? and (last_sequence = ? or first_sequence = ?)
       returning first_sequence, last_sequence`,
      [deviceId, first - 1, last + 1],
    )) as { first_sequence: string; last_sequence: string }[];
    await em.execute(
      'insert into devices.sequence_range (tenant, device_id, first_sequence, last_sequence) values (?, ?, ?, ?)',
      [
        tenant,
        deviceId,
        Math.min(first, ...touched.map((row) => Number(row.first_sequence))),
        Math.max(last, ...touched.map((row) => Number(row.last_sequence))),
      ],
    );
  }
}

/** The fewest ranges that hold exactly these numbers, in ascending order. @param sequences - distinct, in any order. */
export function rangesOf(sequences: readonly number[]): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (const sequence of sequences.toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last + 1 === sequence) range.last = sequence;
    else ranges.push({ first: sequence, last: sequence });
  }
  return ranges;
}
