/**
 * Vector search without an extension: every vector of the tenant that fits is compared. Vectors never change, so they are
 * read once and kept; which of them may be compared is asked of the database each time.
 */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import { type RecallFilter, recallable } from '../recall/recall-filter.js';
import { MIN_SIMILARITY, type Nearest, type NearestQuery, type Neighbour, type VectorIndex } from './vector-index.js';

/** Of one tenant: 20,000 vectors of 256 dimensions are 20 MB, and comparing them takes some 20 ms of the process' one thread. */
export const EXACT_LIMIT = 20_000;
/** Of all tenants: 64 MB. */
const MAX_KEPT = 65_536;
/** Parsing so many takes some 10 ms; between two parts that are read others get their turn. */
const READ_AT_ONCE = 1_000;

export interface ExactIndexOptions {
  /** Most entries of a tenant that are compared. @default EXACT_LIMIT */
  readonly entryLimit?: number;
}

export class ExactIndex implements VectorIndex {
  readonly kind = 'EXACT';
  readonly entryLimit: number;
  /** By entry id, least recently used first. */
  readonly #kept = new Map<string, Float32Array>();

  constructor({ entryLimit = EXACT_LIMIT }: ExactIndexOptions = {}) {
    this.entryLimit = entryLimit;
  }

  async nearest(em: EntityManager, { vector, embedder, filter, limit }: NearestQuery): Promise<Nearest> {
    const ids = await this.#newestIds(em, embedder, filter);
    const compared = ids.slice(0, this.entryLimit);
    const neighbours: Neighbour[] = [];
    for (let from = 0; from < compared.length; from += READ_AT_ONCE) {
      const part = compared.slice(from, from + READ_AT_ONCE);
      const vectors = await this.#vectorsOf(em, part);
      for (const id of part) {
        const other = vectors.get(id);
        const similarity = other === undefined ? 0 : cosine(vector, other);
        if (similarity >= MIN_SIMILARITY) neighbours.push({ id, similarity });
      }
    }
    neighbours.sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? 1 : -1));
    return { neighbours: neighbours.slice(0, limit), isPartial: ids.length > compared.length };
  }

  /** One more than may be compared tells whether some are left out. */
  async #newestIds(em: EntityManager, embedder: string, filter: RecallFilter): Promise<string[]> {
    const { sql, parameters } = recallable(filter);
    const rows = (await em.execute(
      `select id from memory.entry where ${sql} and embedder = ? order by id desc limit ?`,
      [...parameters, embedder, this.entryLimit + 1],
    )) as { id: string }[];
    return rows.map(({ id }) => id);
  }

  /** Held here until the caller has compared them, whatever is displaced meanwhile. */
  async #vectorsOf(em: EntityManager, ids: readonly string[]): Promise<ReadonlyMap<string, Float32Array>> {
    const found = new Map<string, Float32Array>();
    const unknown: string[] = [];
    for (const id of ids) {
      const kept = this.#kept.get(id);
      if (kept === undefined) unknown.push(id);
      else this.#keep(found, id, kept);
    }
    if (unknown.length === 0) return found;
    const rows = (await em.execute(
      'select id, array_to_json(embedding)::text as embedding from memory.entry where id = any(?::uuid[])',
      [arrayLiteral(unknown)],
    )) as { id: string; embedding: string }[];
    for (const { id, embedding } of rows) this.#keep(found, id, Float32Array.from(JSON.parse(embedding) as number[]));
    return found;
  }

  #keep(found: Map<string, Float32Array>, id: string, vector: Float32Array): void {
    found.set(id, vector);
    this.#kept.delete(id);
    this.#kept.set(id, vector);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** Of two vectors of length 1. */
function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
