/** Trimming without loss: never an entry that some group has not finished. */
import type { Redis } from 'ioredis';

/** The greatest id that a stream entry can have: trimming up to it means "whatever every group has finished". */
export const LAST_ENTRY_ID = '18446744073709551615-18446744073709551615';

/** Stream entry ids compare by their two numbers, not as text. */
export function compareEntryIds(a: string, b: string): number {
  const [aMs = '0', aSeq = '0'] = a.split('-');
  const [bMs = '0', bSeq = '0'] = b.split('-');
  const byMs = BigInt(aMs) - BigInt(bMs);
  const order = byMs === 0n ? BigInt(aSeq) - BigInt(bSeq) : byMs;
  return order === 0n ? 0 : order < 0n ? -1 : 1;
}

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
  if ((await redis.exists(stream)) === 0) return 0;
  const groups = (await redis.xinfo('GROUPS', stream)) as unknown[][];
  const names = groups.map((group) => String(group[group.indexOf('name') + 1]));
  if (requiredGroups.some((name) => !names.includes(name))) return 0;
  let limit = keepFrom;
  for (const [index, group] of groups.entries()) {
    const delivered = String(group[group.indexOf('last-delivered-id') + 1]);
    const [, oldestPending] = (await redis.xpending(stream, names[index] ?? '')) as [number, string | null];
    const needed = oldestPending ?? delivered;
    if (compareEntryIds(needed, limit) < 0) limit = needed;
  }
  return redis.xtrim(stream, 'MINID', limit);
}
