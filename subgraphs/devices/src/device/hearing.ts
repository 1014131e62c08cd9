/** How far the site has heard its devices: judging silence any later would take its own outages for theirs. */
import { entryIdAfter, type Redis, readProgress } from '@aurorasoc/kit/streams';
import { z } from 'zod';

/** Kept by ingest while it listens to the broker: since when, milliseconds of the Unix epoch. */
const HEARING_KEY = 'aurora:ingest:hearing';
const sinceSchema = z.coerce.number().int().positive();

export interface Hearing {
  /** Since when devices are heard of without a break; undefined while nobody listens, or nobody can tell. */
  readonly since: Date | undefined;
  /** Everything that was received before is stored: later than that no device is known to be silent. */
  readonly until: Date;
}

/**
 * @param streams - of telemetry.
 * @param group - that stores it. What it was not given, or has not acknowledged, holds `until` back: while the database is away
 *   or the worker lags, what devices have sent lies there.
 */
export async function readHearing(
  redis: Redis,
  streams: readonly string[],
  group: string,
  now: Date,
): Promise<Hearing> {
  try {
    const since = sinceSchema.safeParse(await redis.get(HEARING_KEY));
    // Behind what ingest tells: what it has put on the streams until then is looked for here.
    const unhandled = await Promise.all(streams.map((stream) => oldestUnhandled(redis, stream, group)));
    return {
      since: since.success ? new Date(since.data) : undefined,
      until: new Date(Math.min(now.getTime(), ...unhandled.filter((receivedMs) => receivedMs !== undefined))),
    };
  } catch {
    return { since: undefined, until: now };
  }
}

/** When the oldest entry that the group has not acknowledged was received, milliseconds; undefined when there is none. */
async function oldestUnhandled(redis: Redis, stream: string, group: string): Promise<number | undefined> {
  const progress = (await readProgress(redis, stream)).find(({ name }) => name === group);
  const from = progress?.needsFrom ?? entryIdAfter('0-0');
  const [entry] = await redis.xrange(stream, from, '+', 'COUNT', 1);
  if (entry === undefined) return undefined;
  const [id, fields] = entry;
  const written = Number.parseInt(id, 10);
  const received = Date.parse(fields[fields.findIndex((name, at) => at % 2 === 0 && name === 'received') + 1] ?? '');
  return Number.isNaN(received) ? written : Math.min(received, written);
}
