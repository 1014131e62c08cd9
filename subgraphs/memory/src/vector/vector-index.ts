/** The port behind which entries are found by the likeness of their vectors. */
import type { EntityManager } from '@aurorasoc/kit/database';
import type { RecallFilter } from '../recall/recall-filter.js';

/** What `MEMORY_VECTOR` may say. */
export const VECTOR_SETTINGS = ['auto', 'pgvector', 'exact', 'off'] as const;
export type VectorSetting = (typeof VECTOR_SETTINGS)[number];

export interface NearestQuery {
  /** Of length 1. */
  readonly vector: Float32Array;
  /** Name of the embedder that made it; only its vectors are compared. */
  readonly embedder: string;
  readonly filter: RecallFilter;
  /** Most neighbours. */
  readonly limit: number;
}

export interface Neighbour {
  readonly id: string;
  /** Cosine, at least {@link MIN_SIMILARITY}. */
  readonly similarity: number;
}

export interface Nearest {
  /** Most alike first. */
  readonly neighbours: readonly Neighbour[];
  /** Whether entries that fit were not compared, because there are more than the index can take. */
  readonly isPartial: boolean;
}

export interface VectorIndex {
  readonly kind: 'PGVECTOR' | 'EXACT';
  /** Most entries of a tenant that are compared, the newest; undefined without such a limit. */
  readonly entryLimit: number | undefined;
  /** @param em - of a transaction of the tenant; it sees no others' entries. */
  nearest(em: EntityManager, query: NearestQuery): Promise<Nearest>;
}

/**
 * Cosines of hashed texts that have nothing in common scatter around 0 with a deviation of 1/16 (256 dimensions); below this
 * an entry is no more like the query than chance makes it.
 */
export const MIN_SIMILARITY = 0.15;
