import type { Redis } from '@aurorasoc/kit/streams';
import { z } from 'zod';

/** Kept by ingest while it listens to the broker: since when, milliseconds of the Unix epoch. */
const HEARING_KEY = 'aurora:ingest:hearing';
const sinceSchema = z.coerce.number().int().positive();

/**
 * @param startedAt - before it nobody here has dealt with what was heard.
 * @returns since when devices are heard of without a break; undefined while nobody listens, or nobody can tell.
 */
export async function hearingSince(redis: Redis, startedAt: Date): Promise<Date | undefined> {
  const since = sinceSchema.safeParse(await redis.get(HEARING_KEY).catch(() => null));
  return since.success ? new Date(Math.max(since.data, startedAt.getTime())) : undefined;
}
