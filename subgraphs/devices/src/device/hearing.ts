/** How far the site has heard its devices: judging silence any later would take its own outages for theirs. */
import { isConnectionError } from '@aurorasoc/kit/errors';
import { entryIdAfter, type Redis, readProgress } from '@aurorasoc/kit/streams';
import { z } from 'zod';

/** Of ingest: its instances, scored by when the broker drops the sessions of each, milliseconds of the Unix epoch. */
const LISTENERS_KEY = 'aurora:ingest:listeners';
/** Behind it the instance; there while that hears its share of the messages. */
const HEARING_KEY = 'aurora:ingest:hearing:';
/** Milliseconds of the Unix epoch, whole ones. */
const tellingSchema = z.object({ since: z.number().int().positive(), sentUntil: z.number().int().positive() });

export interface Hearing {
  /**
   * Since when devices are heard of without a break; undefined while one instance of ingest, or each, does not hear its share, or
   * nobody can tell: any device's messages may lie in the broker then.
   */
  readonly since: Date | undefined;
  /** Everything that was received before is stored: later than that no device is known to be silent. */
  readonly until: Date;
}

/**
 * @param streams - of telemetry.
 * @param group - that stores it. What it was not given, or has not acknowledged, holds `until` back: while the database is away
 *   or the worker lags, what devices have sent lies there.
 * @returns also while Redis is away: nobody listens then.
 * @throws what else Redis fails with, and where what ingest told cannot be read.
 */
export async function readHearing(
  redis: Redis,
  streams: readonly string[],
  group: string,
  now: Date,
): Promise<Hearing> {
  try {
    const listeners = await redis.zrange(LISTENERS_KEY, now.getTime(), '+inf', 'BYSCORE');
    const told = listeners.length === 0 ? [] : await redis.mget(listeners.map((instance) => HEARING_KEY + instance));
    const tellings = told.flatMap((text) => (text === null ? [] : [tellingSchema.parse(JSON.parse(text))]));
    // Behind what ingest tells: what it has put on the streams until then is looked for here.
    const unhandled = await Promise.all(streams.map((stream) => oldestUnhandled(redis, stream, group)));
    const isHeard = listeners.length > 0 && tellings.length === listeners.length;
    return {
      since: isHeard ? new Date(Math.max(...tellings.map(({ since }) => since))) : undefined,
      until: new Date(
        Math.min(
          now.getTime(),
          ...tellings.map(({ sentUntil }) => sentUntil),
          ...unhandled.filter((receivedMs) => receivedMs !== undefined),
        ),
      ),
    };
  } catch (error) {
    if (isConnectionError(error)) return { since: undefined, until: now };
    throw error;
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
