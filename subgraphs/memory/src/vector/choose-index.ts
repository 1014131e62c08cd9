/** Which vector index is in force: what the setting asks for, as far as the database has it. */
import type { Database } from '@aurorasoc/kit/database';
import { ExactIndex } from './exact-index.js';
import { PgvectorIndex } from './pgvector-index.js';
import type { VectorIndex, VectorSetting } from './vector-index.js';

export interface IndexChoice {
  /** undefined: entries are found by words alone. */
  readonly index: VectorIndex | undefined;
  /** Why this one, for people. */
  readonly reason: string;
  /** Whether something else was asked for. */
  readonly isDegraded: boolean;
}

/** An extension that is installed while the process runs is noticed within this time. */
const LOOK_AGAIN_MS = 30_000;

/** The column is there once migrations have found the extension; the type can be named where its schema is searched. */
const HAS_PGVECTOR = `select exists (
    select from pg_attribute where attrelid = 'memory.entry'::regclass and attname = 'embedding_vector' and not attisdropped
  ) and to_regtype('vector') is not null as available`;

export class IndexChooser {
  readonly #exact: VectorIndex;
  readonly #pgvector: VectorIndex = new PgvectorIndex();
  #hasPgvector = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly database: Pick<Database, 'execute'>,
    private readonly setting: VectorSetting,
    exact: VectorIndex = new ExactIndex(),
  ) {
    this.#exact = exact;
  }

  /** @throws AuroraError as {@link Database.execute} does. */
  async choose(): Promise<IndexChoice> {
    if (this.setting === 'off')
      return { index: undefined, reason: 'MEMORY_VECTOR=off: entries are found by words alone', isDegraded: false };
    if (this.setting === 'exact') return { index: this.#exact, reason: 'MEMORY_VECTOR=exact', isDegraded: false };
    if (await this.#findPgvector())
      return {
        index: this.#pgvector,
        reason: 'pgvector is installed, with an index over the entries',
        isDegraded: false,
      };
    if (this.setting === 'auto')
      return { index: this.#exact, reason: `${MISSING}; vectors are compared one by one`, isDegraded: false };
    return {
      index: undefined,
      reason: `MEMORY_VECTOR=pgvector, but ${MISSING}; entries are found by words alone`,
      isDegraded: true,
    };
  }

  async #findPgvector(): Promise<boolean> {
    if (performance.now() - this.#lookedAt < LOOK_AGAIN_MS) return this.#hasPgvector;
    const [row] = await this.database.execute<{ available: boolean }>(HAS_PGVECTOR);
    this.#hasPgvector = row?.available ?? false;
    this.#lookedAt = performance.now();
    return this.#hasPgvector;
  }
}

const MISSING = 'pgvector (0.8 or later) is not in use in this database';
