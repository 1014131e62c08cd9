/** Recalls what is like a question, by its words and by its vector at once. */
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import type { Embedder } from '../embedding/embedder.js';
import { MemoryEntry } from '../entry/entry.entity.js';
import type { IndexChoice, IndexChooser } from '../vector/choose-index.js';
import type { Nearest } from '../vector/vector-index.js';
import { fuseRanks } from './fuse-ranks.js';
import type { RecallFilter } from './recall-filter.js';
import { searchText } from './search-text.js';

export type RecallMatch = 'VECTOR' | 'TEXT';

export interface Recalled {
  readonly entry: MemoryEntry;
  /** Of the fused ranks; see `fuse-ranks.ts`. */
  readonly score: number;
  /** Cosine of the vectors; null where vector search did not find it. */
  readonly similarity: number | null;
  readonly matchedBy: readonly RecallMatch[];
}

export interface Recall {
  /** Best first. */
  readonly hits: readonly Recalled[];
  readonly choice: IndexChoice;
  /** Whether vectors of some entries that fit were not compared. */
  readonly isPartial: boolean;
}

export interface RecallServices {
  readonly runtime: { readonly database: Pick<Database, 'inTenant'> };
  readonly embedder: Embedder;
  readonly chooser: Pick<IndexChooser, 'choose'>;
}

/** Places of either list that are fused: more than any `k`, since an entry low in both may end up high. */
const CANDIDATES = 100;
const NOTHING: Nearest = { neighbours: [], isPartial: false };

/** @param k - most hits, at most 50. */
export async function recall(
  { runtime, embedder, chooser }: RecallServices,
  tenant: string,
  query: string,
  filter: RecallFilter,
  k: number,
): Promise<Recall> {
  const choice = await chooser.choose();
  const [vector] = choice.index === undefined ? [] : await embedder.embed([query]);
  const { index } = choice;
  return runtime.database.inTenant(tenant, async (em) => {
    const nearest =
      index === undefined || vector === undefined || isZero(vector)
        ? NOTHING
        : await index.nearest(em, { vector, embedder: embedder.name, filter, limit: CANDIDATES });
    const byText = await searchText(em, query, filter, CANDIDATES);
    const hits = await loadHits(em, nearest, byText, k);
    return { hits, choice, isPartial: nearest.isPartial };
  });
}

async function loadHits(
  em: EntityManager,
  nearest: Nearest,
  byText: readonly string[],
  k: number,
): Promise<Recalled[]> {
  const similarityOf = new Map(nearest.neighbours.map(({ id, similarity }) => [id, similarity]));
  const best = fuseRanks<RecallMatch>({ VECTOR: [...similarityOf.keys()], TEXT: byText }).slice(0, k);
  const entries = await em.find(MemoryEntry, { id: { $in: best.map(({ id }) => id) }, isQuarantined: false });
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  // One that was forgotten or quarantined between the searches and here is not recalled.
  return best.flatMap(({ id, score, matchedBy }) => {
    const entry = byId.get(id);
    return entry === undefined ? [] : [{ entry, score, matchedBy, similarity: similarityOf.get(id) ?? null }];
  });
}

function isZero(vector: Float32Array): boolean {
  return vector.every((value) => value === 0);
}
