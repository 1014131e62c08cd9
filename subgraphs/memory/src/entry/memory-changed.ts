/** The live field `memoryChanged`. */
import type { DomainEvent } from '@aurorasoc/kit/events';
import { changeFacts, type LiveItems, type LiveSource, openLive } from '@aurorasoc/kit/live';
import { MemoryChange, type MemoryChangeKind } from './entry.type.js';

export function openMemoryChanges(
  live: LiveSource,
  tenant: string,
  after: string | undefined,
): LiveItems<MemoryChange> {
  return openLive(live, { tenant, after, toItem: toMemoryChange });
}

const KINDS: Readonly<Record<string, keyof typeof MemoryChangeKind>> = {
  'memory.remembered': 'REMEMBERED',
  'memory.quarantined': 'QUARANTINED',
  'memory.forgotten': 'FORGOTTEN',
};

function toMemoryChange(event: DomainEvent, cursor: string): MemoryChange | undefined {
  const kind = KINDS[event.type];
  if (kind === undefined) return undefined;
  return Object.assign(new MemoryChange(), { ...changeFacts(event, cursor), kind, entryId: event.subject });
}
