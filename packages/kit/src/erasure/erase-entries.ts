/** A tenant's entries of the streams that one domain writes and reads, and their dead letters. */
import type { Redis } from 'ioredis';
import { deadLetterStream, replayStream } from '../streams/dead-letters.js';
import { parseEntry, type RawEntry, type StreamEntry } from '../streams/entry.js';
import { readProgress } from '../streams/groups.js';

/** A stream, and how its entries get their tenants where their writer could not know them. */
export interface TenantStream {
  readonly stream: string;
  readonly attribute?: ((entries: readonly StreamEntry[]) => Promise<readonly StreamEntry[]>) | undefined;
}

export interface ErasedEntries {
  readonly entries: number;
  readonly letters: number;
  /** Entries that some group has not finished yet. Without them it would count them as lost. */
  readonly waiting: number;
}

const PAGE = 200;

export async function eraseEntries(
  redis: Redis,
  streams: readonly TenantStream[],
  tenant: string,
): Promise<ErasedEntries> {
  const sum = { entries: 0, letters: 0, waiting: 0 };
  for (const source of streams) {
    const readers = await readProgress(redis, source.stream);
    // Replays first: what fails there goes to the dead letters.
    for (const key of [...readers.map(({ name }) => replayStream(source.stream, name)), source.stream]) {
      const groups = await readProgress(redis, key);
      for await (const ids of pagesOf(redis, source, key, tenant)) {
        const finished = ids.filter((id) => groups.every((group) => group.hasFinished(id)));
        if (finished.length > 0) sum.entries += await redis.xdel(key, ...finished);
        sum.waiting += ids.length - finished.length;
      }
    }
    const letters = deadLetterStream(source.stream);
    for await (const ids of pagesOf(redis, source, letters, tenant))
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
): AsyncGenerator<string[]> {
  for (let after = '-'; ; ) {
    const page = (await redis.xrange(key, after, '+', 'COUNT', PAGE)) as RawEntry[];
    const last = page.at(-1);
    if (last === undefined) return;
    const entries = page.map((raw) => parseEntry(stream, raw, key));
    const attributed = attribute === undefined ? entries : await attribute(entries);
    yield attributed.filter((entry) => entry.tenant === tenant).map(({ entryId }) => entryId);
    after = `(${last[0]}`;
  }
}
