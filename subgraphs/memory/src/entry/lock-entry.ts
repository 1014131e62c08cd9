import type { EntityManager } from '@aurorasoc/kit/database';
import { LockMode } from '@mikro-orm/core';
import { MemoryEntry } from './entry.entity.js';

/** The entry with its row locked: its events must follow each other. */
export function lockEntry(em: EntityManager, id: string): Promise<MemoryEntry | null> {
  return em.findOne(MemoryEntry, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}
