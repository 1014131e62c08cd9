/** Starts investigations of alerts that wait, as far as there is room. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { policyRequest } from './policy-request.js';
import { countUnfinished, MAX_UNFINISHED, type StartServices, startInvestigation } from './start-investigation.js';
import { lockStarts } from './start-lock.js';
import { findLongestWaiting } from './waiting-line.js';

/** Bounds what one transaction locks; the sweep starts what is left. */
const MAX_STARTS = 10;

/** In the open transaction, so that a room that becomes free is never forgotten. @returns how many were started. */
export async function startPostponed(em: EntityManager, services: StartServices, tenant: string): Promise<number> {
  // Mostly no alert waits; then nobody has to wait for the lock either.
  if ((await findLongestWaiting(em, tenant, 1)).length === 0) return 0;
  await lockStarts(em, tenant);
  const room = Math.min(MAX_UNFINISHED - (await countUnfinished(em, tenant)), MAX_STARTS);
  if (room <= 0) return 0;
  let started = 0;
  for (const alert of await findLongestWaiting(em, tenant, room)) {
    const outcome = await startInvestigation(em, services, policyRequest(tenant, alert));
    if (outcome.kind === 'started') started += 1;
  }
  return started;
}
