/** A tenant's entries of the streams that one domain writes and reads, and their dead letters. */
import type { Redis } from 'ioredis';
import { deadLetterStream, replayStream } from '../streams/dead-letters.js';
import { parseEntry, type RawEntry, type StreamEntry } from '../streams/entry.js';
import { readProgress } from '../streams/groups.js';

/** A stream, and how its entries get their tenants where their writer could not know them: by their short values alone. */
export interface TenantStream {
  readonly stream: string;
  /**
   * Consumer groups that are to read past an entry before it goes. Others are left behind by code of before: waiting for one
   * would be for ever. So would it be for one of these that does not exist, as where its role is not part of the site; nor is
   * there anything to wait for. It has no entry that it could miss, it begins with those that are left then, and what it took
   * in the moment before they go it cannot write, or its domain, which has not closed the tenant yet, will take away again.
   */
  readonly groups: readonly string[];
  readonly attribute?: ((entries: readonly StreamEntry[]) => Promise<readonly StreamEntry[]>) | undefined;
}

export interface ErasedEntries {
  readonly entries: number;
  readonly letters: number;
  /** Entries that some of the groups have not finished yet. Without them they would count them as lost. */
  readonly waiting: number;
}

/** Entries that one look at a stream reads. Some hold hundreds of kilobytes, and nobody is served meanwhile. */
const PAGE = 50;
/** Longer values tell no tenant; a device's name is the longest that does. */
const MOST_TOLD_BYTES = 256;

/**
 * A page of entries without their long values, which stay in Redis: what is looked for is whose they are.
 *
 * KEYS: 1 stream. ARGV: 1 from which id, 2 how many, 3 bytes of the longest value. Returns entries as XRANGE does.
 */
const READ_SHORT_FIELDS = `
local page = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
for _, entry in ipairs(page) do
  local short = {}
  for i = 1, #entry[2], 2 do
    if #entry[2][i + 1] <= tonumber(ARGV[3]) then
      short[#short + 1] = entry[2][i]
      short[#short + 1] = entry[2][i + 1]
    end
  end
  entry[2] = short
end
return page
`;

/** @param signal - ends it between two pages; what was taken away until then is told. */
export async function eraseEntries(
  redis: Redis,
  streams: readonly TenantStream[],
  tenant: string,
  signal: AbortSignal,
): Promise<ErasedEntries> {
  const sum = { entries: 0, letters: 0, waiting: 0 };
  for (const source of streams) {
    // What lies in replays for a group that is left behind is the tenant's all the same.
    const found = (await readProgress(redis, source.stream)).map(({ name }) => name);
    const replays = [...new Set([...source.groups, ...found])].map((name) => replayStream(source.stream, name));
    // Replays first: what fails there goes to the dead letters.
    for (const key of [...replays, source.stream]) {
      const groups = (await readProgress(redis, key)).filter(({ name }) => source.groups.includes(name));
      for await (const ids of pagesOf(redis, source, key, tenant, signal)) {
        const finished = ids.filter((id) => groups.every((group) => group.hasFinished(id)));
        if (finished.length > 0) sum.entries += await redis.xdel(key, ...finished);
        sum.waiting += ids.length - finished.length;
      }
    }
    const letters = deadLetterStream(source.stream);
    for await (const ids of pagesOf(redis, source, letters, tenant, signal))
      if (ids.length > 0) sum.letters += await redis.xdel(letters, ...ids);
  }
  return sum;
}

/** The ids of the tenant's entries in `key`, page by page, so that nobody waits long for Redis. */
async function* pagesOf(
  redis: Redis,
  { stream, attribute }: TenantStream,
  key: string,
  tenant: string,
  signal: AbortSignal,
): AsyncGenerator<string[]> {
  for (let after = '-'; !signal.aborted; ) {
    const page = (await redis.eval(READ_SHORT_FIELDS, 1, key, after, PAGE, MOST_TOLD_BYTES)) as RawEntry[];
    const last = page.at(-1);
    if (last === undefined) return;
    const entries = page.map((raw) => parseEntry(stream, raw, key));
    const attributed = attribute === undefined ? entries : await attribute(entries);
    yield attributed.filter((entry) => entry.tenant === tenant).map(({ entryId }) => entryId);
    after = `(${last[0]}`;
  }
}
