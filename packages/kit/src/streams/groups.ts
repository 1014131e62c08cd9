/** What a consumer group tells of itself, and the names that dead replicas leave in it. */
import type { Redis } from 'ioredis';
import { compareEntryIds, entryIdAfter } from './entry.js';

/** Longer than any replica stays away on purpose; what it left was taken over long before. */
const FORGET_AFTER_MS = 24 * 3600 * 1000;

/**
 * Removes consumers that hold nothing and have asked for nothing for a day, such as containers that were replaced. In one
 * step: with a consumer its pending entries would go, unseen and for good.
 *
 * KEYS: 1 stream. ARGV: 1 group, 2 consumer that stays whatever it does, 3 idle milliseconds. Returns how many went.
 */
const FORGET_CONSUMERS = `
local gone = 0
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #info, 2 do consumer[info[i]] = info[i + 1] end
  if consumer.name ~= ARGV[2] and consumer.pending == 0 and consumer.idle >= tonumber(ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    gone = gone + 1
  end
end
return gone
`;

/** @param idleMs - for tests. @returns how many consumers went. */
export async function forgetConsumers(
  redis: Redis,
  stream: string,
  group: string,
  own: string,
  idleMs = FORGET_AFTER_MS,
): Promise<number> {
  return Number(await redis.eval(FORGET_CONSUMERS, 1, stream, group, own, idleMs));
}

/**
 * Counts a page within Redis, so that the entries need not travel. KEYS: 1 stream. ARGV: 1 last id that counts no more, 2 how many.
 * Returns how many there are, and the last one's id.
 */
const COUNT_BEHIND = `
local page = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
return { #page, #page > 0 and page[#page][1] or '' }
`;
/** Some hold hundreds of kilobytes, and nobody is served meanwhile. */
const COUNTED_AT_ONCE = 50;
/** More than this is told as this: the entries are counted one by one where Redis does not know. */
const MOST_COUNTED = 2_000;

/**
 * Entries behind the last one that was given to the group. Counted by their ids where Redis' own `lag` is unknown, as after
 * an entry was deleted in the middle.
 */
export async function readLag(redis: Redis, stream: string, group: string): Promise<number> {
  const groups = ((await redis.xinfo('GROUPS', stream)) as unknown[][]).map((flat) => new Map(pairs(flat)));
  const own = groups.find((facts) => facts.get('name') === group);
  if (own === undefined) return 0;
  const lag = own.get('lag');
  if (typeof lag === 'number') return lag;
  let [behind, after] = [0, String(own.get('last-delivered-id'))];
  for (let count = COUNTED_AT_ONCE; count === COUNTED_AT_ONCE && behind < MOST_COUNTED; behind += count)
    [count, after] = (await redis.eval(COUNT_BEHIND, 1, stream, after, COUNTED_AT_ONCE)) as [number, string];
  return behind;
}

/** How far one group has come in a stream. */
export interface GroupProgress {
  readonly name: string;
  /** The id from which on it still needs entries: of its oldest pending one, else of whichever comes next. */
  readonly needsFrom: string;
  /** Whether the group was given the entry and has acknowledged it. */
  hasFinished(entryId: string): boolean;
}

/** Of every group; none where there is no stream. */
export async function readProgress(redis: Redis, stream: string): Promise<GroupProgress[]> {
  if ((await redis.exists(stream)) === 0) return [];
  const groups = ((await redis.xinfo('GROUPS', stream)) as unknown[][]).map((flat) => new Map(pairs(flat)));
  return Promise.all(
    groups.map(async (facts) => {
      const name = String(facts.get('name'));
      const [, oldestPending] = (await redis.xpending(stream, name)) as [number, string | null];
      const needsFrom = oldestPending ?? entryIdAfter(String(facts.get('last-delivered-id')));
      return { name, needsFrom, hasFinished: (id) => compareEntryIds(id, needsFrom) < 0 };
    }),
  );
}

function pairs(flat: readonly unknown[]): [string, unknown][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [String(flat[index * 2]), flat[index * 2 + 1]]);
}
