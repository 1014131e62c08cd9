/** Trimming without loss: never an entry that some group has not finished. */
import type { Redis } from 'ioredis';
import { compareEntryIds } from './entry.js';
import { readProgress } from './groups.js';

/** The greatest id that a stream entry can have: trimming up to it means "whatever every group has finished". */
export const LAST_ENTRY_ID = '18446744073709551615-18446744073709551615';

/**
 * Drops entries below `keepFrom`, but only those that every group has acknowledged.
 *
 * @param requiredGroups - groups that must exist; while one is missing nothing is dropped, since it has yet to read.
 * @returns how many entries went.
 */
export async function trimStream(
  redis: Redis,
  stream: string,
  keepFrom: string,
  requiredGroups: readonly string[] = [],
): Promise<number> {
  const groups = await readProgress(redis, stream);
  if (requiredGroups.some((required) => !groups.some(({ name }) => name === required))) return 0;
  const [limit = keepFrom] = [keepFrom, ...groups.map(({ needsFrom }) => needsFrom)].toSorted(compareEntryIds);
  return redis.xtrim(stream, 'MINID', limit);
}
