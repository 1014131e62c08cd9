/** Vector search by the HNSW index of pgvector 0.8 or later: approximate, and fast with any number of entries. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { recallable } from '../recall/recall-filter.js';
import { MIN_SIMILARITY, type Nearest, type NearestQuery, type Neighbour, type VectorIndex } from './vector-index.js';

export class PgvectorIndex implements VectorIndex {
  readonly kind = 'PGVECTOR';
  readonly entryLimit = undefined;

  async nearest(em: EntityManager, { vector, embedder, filter, limit }: NearestQuery): Promise<Nearest> {
    // The index holds all tenants' entries. Its scan goes on until enough of them have passed row security and filter, or
    // `hnsw.max_scan_tuples` (20,000) were looked at.
    await em.execute(`select set_config('hnsw.iterative_scan', 'strict_order', true)`);
    const { sql, parameters } = recallable(filter);
    const asked = `[${vector.join(',')}]`;
    const rows = (await em.execute(
      `select id, 1 - (embedding_vector <=> ?::vector) as similarity from memory.entry
       where ${sql} and embedder = ? order by embedding_vector <=> ?::vector limit ?`,
      [asked, ...parameters, embedder, asked, limit],
    )) as { id: string; similarity: number }[];
    return { neighbours: rows.filter(isNeighbour), isPartial: false };
  }
}

/** The cosine with a vector of zeros is NaN. */
function isNeighbour({ similarity }: Neighbour): boolean {
  return similarity >= MIN_SIMILARITY;
}
