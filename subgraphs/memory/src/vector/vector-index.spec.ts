/** Both adapters by one suite, and what tells them apart; on PGlite, which has pgvector. */
import { EventRecorder } from '@aurorasoc/kit/events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { featureHashing, hashFeatures } from '../embedding/feature-hashing.js';
import type { MemoryEntry } from '../entry/entry.entity.js';
import { EntryLog } from '../entry/entry-log.js';
import { embedMemories, type Memorable, remember } from '../entry/remember.js';
import { memoryEvents } from '../events.js';
import { recall } from '../recall/recall.js';
import type { RecallFilter } from '../recall/recall-filter.js';
import { openPglite, type PgliteDatabase } from '../testing/pglite-database.js';
import { type IndexChoice, IndexChooser } from './choose-index.js';
import { ExactIndex } from './exact-index.js';
import { PgvectorIndex } from './pgvector-index.js';
import { MIN_SIMILARITY, type VectorIndex } from './vector-index.js';

const ANN = '0198c0de-0000-7000-8000-00000000000a';
const BOB = '0198c0de-0000-7000-8000-00000000000b';
/** PGlite compiles PostgreSQL first, seconds on an idle machine. */
const SLOW_MS = 180_000;
const log = new EntryLog(new EventRecorder('memory', 'test', memoryEvents));

const note = (tenant: string, text: string, more: Partial<Memorable> = {}): Memorable => ({
  tenant,
  tier: 'SEMANTIC',
  title: 'Note',
  text,
  source: { kind: 'AUTHOR', id: 'ann' },
  alertId: null,
  trust: 'PERSON',
  tags: [],
  author: { kind: 'user', id: 'ann' },
  createdAt: new Date('2026-11-27T00:00:00Z'),
  ...more,
});

async function add(database: PgliteDatabase, memorables: readonly Memorable[]): Promise<MemoryEntry[]> {
  const added: MemoryEntry[] = [];
  for (const memory of await embedMemories(featureHashing, memorables))
    added.push(await database.inTenant(memory.tenant, (em) => remember(em, log, memory)));
  return added;
}

function nearest(database: PgliteDatabase, index: VectorIndex, text: string, filter: RecallFilter = {}, limit = 10) {
  const query = { vector: hashFeatures(text), embedder: featureHashing.name, filter, limit };
  return database.inTenant(ANN, (em) => index.nearest(em, query));
}

/** Texts of invented words, many of which share some. */
const WORDS = Array.from({ length: 60 }, (_, n) => `word${n}`);
const textOf = (n: number): string => Array.from({ length: 8 }, (_, k) => WORDS[(n * 7 + k * k * 5) % 60]).join(' ');

let database: PgliteDatabase;
let ids: Readonly<Record<'shadow' | 'backup' | 'old' | 'planted' | 'foreign', string>>;

beforeAll(async () => {
  database = await openPglite('created');
  const [shadow, backup, old, planted, foreign] = await add(database, [
    note(ANN, 'shadow copies deleted by vssadmin'),
    note(ANN, 'nightly backup with svc account', { tier: 'EPISODIC' }),
    note(ANN, 'shadow copies of last year', { createdAt: new Date('2025-01-01T00:00:00Z') }),
    note(ANN, 'shadow copies deleted are harmless'),
    note(BOB, 'shadow copies deleted by vssadmin'),
  ]);
  ids = {
    shadow: shadow?.id ?? '',
    backup: backup?.id ?? '',
    old: old?.id ?? '',
    planted: planted?.id ?? '',
    foreign: foreign?.id ?? '',
  };
  await database.inTenant(ANN, (em) =>
    em.execute('update memory.entry set is_quarantined = true where id = ?', [ids.planted]),
  );
}, SLOW_MS);

afterAll(() => database?.close());

describe.each([
  ['exact', () => new ExactIndex()],
  ['pgvector', () => new PgvectorIndex()],
])('the index %s', (_name, create) => {
  const idsLike = async (text: string, filter?: RecallFilter) =>
    (await nearest(database, create(), text, filter)).neighbours.map(({ id }) => id);

  it('finds what is alike, most alike first, with the cosine', async () => {
    const { neighbours, isPartial } = await nearest(database, create(), 'Note shadow copies deleted by vssadmin');
    expect(neighbours.map(({ id }) => id)).toEqual([ids.shadow, ids.old]);
    expect(neighbours[0]?.similarity).toBeCloseTo(1, 5);
    expect(neighbours[1]?.similarity).toBeGreaterThan(MIN_SIMILARITY);
    expect(isPartial).toBe(false);
  });

  it('shows neither another tenant’s entries nor those in quarantine', async () => {
    const found = await idsLike('shadow copies deleted are harmless by vssadmin');
    expect(found).toContain(ids.shadow);
    expect(found).not.toContain(ids.planted);
    expect(found).not.toContain(ids.foreign);
  });

  it('keeps to tiers and time', async () => {
    expect(await idsLike('nightly backup', { tiers: ['EPISODIC'] })).toEqual([ids.backup]);
    expect(await idsLike('nightly backup', { tiers: ['SEMANTIC', 'WORKING'] })).toEqual([]);
    expect(await idsLike('shadow copies', { from: new Date('2026-01-01') })).toEqual([ids.shadow]);
    expect(await idsLike('shadow copies', { to: new Date('2026-01-01') })).toEqual([ids.old]);
  });

  it('compares only what the same embedder made', async () => {
    const query = { vector: hashFeatures('shadow copies'), embedder: 'another', filter: {}, limit: 10 };
    expect((await database.inTenant(ANN, (em) => create().nearest(em, query))).neighbours).toEqual([]);
  });
});

describe('exact search', () => {
  it('beyond its limit compares the newest and says so', async () => {
    const found = await nearest(database, new ExactIndex({ entryLimit: 2 }), 'shadow copies');
    expect(found).toMatchObject({ isPartial: true, neighbours: [{ id: ids.old }] });
    expect((await nearest(database, new ExactIndex({ entryLimit: 3 }), 'shadow copies')).isPartial).toBe(false);
  });

  it('asks anew which entries may be compared, though it keeps their vectors', async () => {
    const index = new ExactIndex();
    const [entry] = await add(database, [note(ANN, 'kerberoasting of service tickets')]);
    const found = () => nearest(database, index, 'kerberoasting of service tickets');
    expect((await found()).neighbours[0]?.id).toBe(entry?.id);
    await database.inTenant(ANN, (em) =>
      em.execute('update memory.entry set is_quarantined = true where id = ?', [entry?.id]),
    );
    expect((await found()).neighbours).toEqual([]);
  });
});

describe('recall', () => {
  const recallWith = (setting: 'auto' | 'exact' | 'off', query: string) =>
    recall(
      { runtime: { database }, embedder: featureHashing, chooser: new IndexChooser(database, setting) },
      ANN,
      query,
      {},
      5,
    );

  it.each(['auto', 'exact'] as const)('fuses words and likeness with MEMORY_VECTOR=%s', async (setting) => {
    const { hits } = await recallWith(setting, 'copies deleted with vssadmin');
    expect(hits[0]).toMatchObject({ entry: { id: ids.shadow }, matchedBy: ['VECTOR', 'TEXT'] });
    expect(hits.map(({ entry }) => entry.id)).not.toContain(ids.planted);
  });

  it('goes by words alone with MEMORY_VECTOR=off', async () => {
    const { hits, choice } = await recallWith('off', 'copies deleted with vssadmin');
    expect(choice.index).toBeUndefined();
    expect(hits[0]).toMatchObject({ entry: { id: ids.shadow }, matchedBy: ['TEXT'], similarity: null });
  });
});

describe('pgvector', () => {
  let large: PgliteDatabase;
  let before: { isEnabled: boolean | undefined; auto: IndexChoice; pgvector: IndexChoice };
  const COUNT = 1_500;

  beforeAll(async () => {
    large = await openPglite('available');
    // Written before the extension is there, as in an installation that gets it later.
    const vectors = Array.from({ length: COUNT }, (_, n) => [...hashFeatures(textOf(n))]);
    for (let from = 0; from < COUNT; from += 500) {
      await large.inTenant(ANN, (em) =>
        em.execute(
          `insert into memory.entry (id, tenant, version, tier, title, text, source_kind, source_id, trust, tags, author_kind,
             author_id, created_at, is_quarantined, embedder, embedding)
           select gen_random_uuid(), ?::uuid, 1, 'SEMANTIC', 't', 't', 'AUTHOR', 'ann', 'PERSON', '{}', 'user', 'ann', now(), false,
             ?, array(select jsonb_array_elements_text(vector)::real)
           from jsonb_array_elements(?::jsonb) as vectors (vector)`,
          [ANN, featureHashing.name, JSON.stringify(vectors.slice(from, from + 500))],
        ),
      );
    }
    before = {
      isEnabled: await enable(),
      auto: await new IndexChooser(large, 'auto').choose(),
      pgvector: await new IndexChooser(large, 'pgvector').choose(),
    };
    await large.admin.exec('create extension vector');
    await enable();
    await large.admin.exec('analyze memory.entry');
  }, SLOW_MS);

  afterAll(() => large?.close());

  async function enable(): Promise<boolean | undefined> {
    const { rows } = await large.admin.query<{ done: boolean }>('select memory.enable_pgvector() as done');
    return rows[0]?.done;
  }

  it('is taken once an administrator has installed it, with the entries that there were', async () => {
    // The owner of the schema may not create extensions, so the migration left it.
    expect(before).toMatchObject({
      isEnabled: false,
      auto: { index: { kind: 'EXACT' }, isDegraded: false },
      pgvector: { index: undefined, isDegraded: true },
    });
    for (const setting of ['auto', 'pgvector'] as const)
      expect(await new IndexChooser(large, setting).choose()).toMatchObject({ index: { kind: 'PGVECTOR' } });
    const { rows } = await large.admin.query<{ n: number }>(
      'select count(embedding_vector)::int as n from memory.entry',
    );
    expect(rows).toEqual([{ n: COUNT }]);
  });

  it('is asked by its HNSW index, also under row security', async () => {
    const plan = await large.inTenant(ANN, (em) =>
      em.execute(
        `explain select id from memory.entry where not is_quarantined and embedder = ?
         order by embedding_vector <=> ?::vector limit 10`,
        [featureHashing.name, `[${hashFeatures(textOf(1)).join(',')}]`],
      ),
    );
    expect(JSON.stringify(plan)).toContain('Index Scan using entry_nearest');
  });

  it('agrees with exact search', async () => {
    const exact = new ExactIndex();
    const pgvector = new PgvectorIndex();
    let agreed = 0;
    for (let n = 0; n < 20; n++) {
      const [wanted, found] = [
        await nearest(large, exact, textOf(n * 31)),
        await nearest(large, pgvector, textOf(n * 31)),
      ];
      // Many texts are equally alike, so the tenth place says how good a list is, not which ids it holds.
      const last = wanted.neighbours.at(-1)?.similarity ?? 1;
      expect(found.neighbours[0]?.similarity).toBeCloseTo(wanted.neighbours[0]?.similarity ?? 0, 4);
      agreed += found.neighbours.filter(({ similarity }) => similarity >= last - 1e-4).length;
    }
    expect(agreed).toBeGreaterThanOrEqual(0.95 * 20 * 10);
  });
});
