/** Writes what happens to entries as domain events, one per version. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { envelopeOf } from '@aurorasoc/kit/domain';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import type { MemoryEvents } from '../events.js';
import type { MemoryEntry } from './entry.entity.js';

export class EntryLog {
  constructor(private readonly recorder: EventRecorder<MemoryEvents>) {}

  async remembered(em: EntityManager, entry: MemoryEntry): Promise<void> {
    const author = { kind: entry.authorKind, id: entry.authorId };
    await this.recorder.record(em, {
      ...envelopeOf(entry, author, entry.createdAt),
      type: 'memory.remembered',
      data: factsOf(entry),
    });
  }

  /** Counts the version up. */
  async quarantined(em: EntityManager, entry: MemoryEntry, reason: string, actor: Actor, now: Date): Promise<void> {
    entry.version += 1;
    await this.recorder.record(em, {
      ...envelopeOf(entry, actor, now),
      type: 'memory.quarantined',
      data: { ...factsOf(entry), reason },
    });
  }

  /** Removes the entry. */
  async forgotten(em: EntityManager, entry: MemoryEntry, actor: Actor, now: Date): Promise<void> {
    em.remove(entry);
    await this.recorder.record(em, {
      ...envelopeOf({ id: entry.id, tenant: entry.tenant, version: entry.version + 1 }, actor, now),
      type: 'memory.forgotten',
      data: factsOf(entry),
    });
  }
}

function factsOf({ tier, sourceKind, sourceId, trust, isQuarantined }: MemoryEntry) {
  return { tier, source: { kind: sourceKind, id: sourceId }, trust, isQuarantined };
}
