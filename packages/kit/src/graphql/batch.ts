/** Batched reads: one query for all keys that the resolvers of one tick ask for. */
import DataLoader from 'dataloader';

export type { default as DataLoader } from 'dataloader';

/**
 * A loader that batches and remembers nothing: contexts of subscriptions live for hours, and an item must show the state at
 * its emission.
 *
 * @param fetch - rows for distinct keys, in any order; keys without a row are null.
 */
export function createLoader<K extends string, V>(
  fetch: (keys: readonly K[]) => Promise<readonly V[]>,
  keyOf: (value: V) => K,
): DataLoader<K, V | null> {
  return new DataLoader<K, V | null>(
    async (keys) => {
      const byKey = new Map((await fetch([...new Set(keys)])).map((value) => [keyOf(value), value]));
      return keys.map((key) => byKey.get(key) ?? null);
    },
    { cache: false, maxBatchSize: 500 },
  );
}

/** Like {@link createLoader} for keys of any kind: `fetch` answers each of them, in their order. */
export function createKeyedLoader<K, V>(fetch: (keys: readonly K[]) => Promise<readonly V[]>): DataLoader<K, V> {
  return new DataLoader<K, V>(fetch, { cache: false, maxBatchSize: 500 });
}

/** Like {@link createLoader}, with any number of values per key, each list in the order of `fetch`. */
export function createListLoader<K extends string, V>(
  fetch: (keys: readonly K[]) => Promise<readonly V[]>,
  keyOf: (value: V) => K,
): DataLoader<K, V[]> {
  return new DataLoader<K, V[]>(
    async (keys) => {
      const byKey = Map.groupBy(await fetch([...new Set(keys)]), keyOf);
      return keys.map((key) => byKey.get(key) ?? []);
    },
    { cache: false, maxBatchSize: 500 },
  );
}
