/** Adds an entry, findable at once. */
import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from '@aurorasoc/kit/database';
import { AuroraError } from '@aurorasoc/kit/errors';
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

/**
 * @returns the entry that is there already where the memory has a key under which its author has remembered the same before.
 * @throws AuroraError `CONFLICT` where that was something else: the later text would be lost as if it had been kept.
 */
export async function remember(em: EntityManager, log: EntryLog, memory: EmbeddedMemory): Promise<MemoryEntry> {
  const { tenant, author, key } = memory;
  if (key !== undefined) {
    // Two that ask at once would both find nothing: a row that is not there cannot be locked.
    const lock = JSON.stringify(['memory', tenant, author.kind, author.id, key]);
    await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [lock]);
    const found = await em.findOne(MemoryEntry, { authorKind: author.kind, authorId: author.id, key });
    if (found && !saysTheSame(found, memory))
      throw new AuroraError({
        code: 'CONFLICT',
        field: 'input.key',
        publicMessage: `You have remembered something else under this key, as entry ${found.id}; give another key`,
        context: { entryId: found.id },
      });
    if (found) return found;
  }
  const entry = new MemoryEntry(memory);
  em.persist(entry);
  await log.remembered(em, entry);
  return entry;
}

/** Of all that an author says of an entry. Its trust is not said, but an agent's words for a person are not the person's own. */
function saysTheSame(entry: MemoryEntry, memory: Memorable): boolean {
  return (
    entry.tier === memory.tier &&
    entry.title === memory.title &&
    entry.text === memory.text &&
    entry.sourceKind === memory.source.kind &&
    entry.sourceId === memory.source.id &&
    entry.trust === memory.trust &&
    isDeepStrictEqual(entry.tags.toSorted(), memory.tags.toSorted())
  );
}

function embeddedText({ title, text }: Memorable): string {
  return `${title}\n${text}`;
}
