/** Removes an entry for good; its events stay, which hold nothing of its text. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import type { MemoryServices } from '../context.js';
import { lockEntry } from './lock-entry.js';

/** @returns false when there is no such entry. */
export function forgetMemory({ runtime, log }: MemoryServices, principal: Principal, id: string): Promise<boolean> {
  return runtime.database.inTenant(principal.tenant, async (em) => {
    const entry = await lockEntry(em, id);
    if (entry === null) return false;
    await log.forgotten(em, entry, actorOf(principal), new Date());
    return true;
  });
}
