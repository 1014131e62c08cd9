/** Reads samples for many devices in one query each. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import type { MetricValue } from './decode-payload.js';

export interface Sample {
  readonly id: string;
  readonly sequence: number;
  readonly measuredAt: Date;
  readonly receivedAt: Date;
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

export interface SamplesPage {
  readonly deviceId: string;
  /** Only samples that have it. */
  readonly metric: string | undefined;
  /** Inclusive, by the device's clock. */
  readonly from: Date | undefined;
  /** Exclusive. */
  readonly to: Date | undefined;
  /** `measuredAt` in RFC 3339 and id of the last sample of the page before. */
  readonly after: readonly string[] | undefined;
  readonly limit: number;
}

export interface SampleKeys {
  readonly deviceId: string;
  readonly sequences: readonly number[];
}

interface Row {
  place: string;
  id: string;
  sequence: string;
  measured_at: string;
  received_at: string;
  metrics: string;
}

const COLUMNS = 'id, sequence, measured_at, received_at, metrics';
const SELECTED = 's.id, s.sequence, s.measured_at, s.received_at, s.metrics::text as metrics';
/** Above every id. */
const NO_SAMPLE = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** For each of the pages, in their order: samples, newest first by the device's clock. */
export async function listSamples(em: EntityManager, pages: readonly SamplesPage[]): Promise<Sample[][]> {
  const rows = (await em.execute(
    `select asked.place, ${SELECTED}
     from unnest(?::uuid[], ?::text[], ?::timestamptz[], ?::timestamptz[], ?::timestamptz[], ?::uuid[], ?::integer[])
       with ordinality as asked (device_id, metric, begins, ends, before, before_id, size, place)
     cross join lateral (
       select ${COLUMNS} from devices.sample
       where device_id = asked.device_id and measured_at >= asked.begins and measured_at < asked.ends
         and (measured_at, id) < (asked.before, asked.before_id)
         and (asked.metric is null or jsonb_exists(metrics, asked.metric))
       order by measured_at desc, id desc limit asked.size
     ) as s order by asked.place, s.measured_at desc, s.id desc`,
    [
      arrayLiteral(pages.map((page) => page.deviceId)),
      arrayLiteral(pages.map((page) => page.metric ?? null)),
      arrayLiteral(pages.map((page) => page.from?.toISOString() ?? '-infinity')),
      arrayLiteral(pages.map((page) => page.to?.toISOString() ?? 'infinity')),
      arrayLiteral(pages.map((page) => page.after?.[0] ?? 'infinity')),
      arrayLiteral(pages.map((page) => page.after?.[1] ?? NO_SAMPLE)),
      arrayLiteral(pages.map((page) => page.limit)),
    ],
  )) as Row[];
  return byPlace(rows, pages.length);
}

/** For each of the keys, in their order: the samples of these sequence numbers, in ascending order. */
export async function findSamples(em: EntityManager, keys: readonly SampleKeys[]): Promise<Sample[][]> {
  const wanted = keys.flatMap(({ deviceId, sequences }, place) =>
    sequences.map((sequence) => ({ place: place + 1, deviceId, sequence })),
  );
  const rows = (await em.execute(
    `select asked.place, ${SELECTED} from unnest(?::integer[], ?::uuid[], ?::bigint[]) as asked (place, device_id, sequence)
     join devices.sample as s on s.device_id = asked.device_id and s.sequence = asked.sequence
     order by asked.place, s.sequence`,
    [
      arrayLiteral(wanted.map(({ place }) => place)),
      arrayLiteral(wanted.map(({ deviceId }) => deviceId)),
      arrayLiteral(wanted.map(({ sequence }) => sequence)),
    ],
  )) as Row[];
  return byPlace(rows, keys.length);
}

function byPlace(rows: readonly Row[], places: number): Sample[][] {
  const ofPlace = Map.groupBy(rows, (row) => Number(row.place) - 1);
  return Array.from({ length: places }, (_, place) => (ofPlace.get(place) ?? []).map(toSample));
}

function toSample(row: Row): Sample {
  return {
    id: row.id,
    sequence: Number(row.sequence),
    measuredAt: new Date(row.measured_at),
    receivedAt: new Date(row.received_at),
    metrics: JSON.parse(row.metrics) as Sample['metrics'],
  };
}

/** The sample with only these of its metrics; undefined when it has none of them. @param wanted - undefined: all. */
export function pickMetrics(sample: Sample, wanted: ReadonlySet<string> | undefined): Sample | undefined {
  if (wanted === undefined) return sample;
  const picked = Object.entries(sample.metrics).filter(([name]) => wanted.has(name));
  return picked.length === 0 ? undefined : { ...sample, metrics: Object.fromEntries(picked) };
}
