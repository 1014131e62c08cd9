/** Keeps an entry from being recalled, without losing what it says: it may be poison, and is evidence then. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import type { MemoryServices } from '../context.js';
import type { MemoryEntry } from './entry.entity.js';
import { lockEntry } from './lock-entry.js';

/** An entry in quarantine gets the new reason. @returns null when there is no such entry. */
export function quarantineMemory(
  { runtime, log }: MemoryServices,
  principal: Principal,
  id: string,
  reason: string,
): Promise<MemoryEntry | null> {
  return runtime.database.inTenant(principal.tenant, async (em) => {
    const entry = await lockEntry(em, id);
    if (entry === null || (entry.isQuarantined && entry.quarantineReason === reason)) return entry;
    entry.isQuarantined = true;
    entry.quarantineReason = reason;
    await log.quarantined(em, entry, reason, actorOf(principal), new Date());
    return entry;
  });
}
