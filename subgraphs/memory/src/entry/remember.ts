/** Adds an entry, findable at once. */
import type { EntityManager } from '@aurorasoc/kit/database';
import type { Embedder } from '../embedding/embedder.js';
import { MemoryEntry, type NewMemoryEntry } from './entry.entity.js';
import type { EntryLog } from './entry-log.js';

export type Memorable = Omit<NewMemoryEntry, 'embedder' | 'embedding'>;
export type EmbeddedMemory = Memorable & Pick<NewMemoryEntry, 'embedder' | 'embedding'>;

/** To be called before the transaction, which must not stay open for as long as an embedder takes. */
export async function embedMemories(embedder: Embedder, memorables: readonly Memorable[]): Promise<EmbeddedMemory[]> {
  const vectors = await embedder.embed(memorables.map(embeddedText));
  return memorables.map((memorable, index) => {
    const embedding = vectors[index];
    if (embedding === undefined) throw new RangeError(`${embedder.name} gave no vector for text ${index}`);
    return { ...memorable, embedder: embedder.name, embedding };
  });
}

/** @returns the entry that is there already where the memory has a key that an earlier one had. */
export async function remember(em: EntityManager, log: EntryLog, memory: EmbeddedMemory): Promise<MemoryEntry> {
  const { tenant, key } = memory;
  if (key !== undefined) {
    // Two that ask at once would both find nothing: a row that is not there cannot be locked.
    await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`memory ${tenant} ${key}`]);
    const found = await em.findOne(MemoryEntry, { key });
    if (found) return found;
  }
  const entry = new MemoryEntry(memory);
  em.persist(entry);
  await log.remembered(em, entry);
  return entry;
}

function embeddedText({ title, text }: Memorable): string {
  return `${title}\n${text}`;
}
