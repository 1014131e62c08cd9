/** Starts investigations of alerts that wait, as far as there is room. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { tryLockAlert } from './alert-lock.js';
import { policyRequest } from './policy-request.js';
import { countUnfinished, MAX_UNFINISHED, type StartServices, startInvestigation } from './start-investigation.js';
import { findLongestWaiting, isWaiting } from './waiting-line.js';

/** Bounds what one transaction locks; the sweep starts what is left. */
const MAX_STARTS = 10;

/** In the open transaction, so that a room that becomes free is never forgotten. @returns how many were started. */
export async function startPostponed(em: EntityManager, services: StartServices, tenant: string): Promise<number> {
  const room = Math.min(MAX_UNFINISHED - (await countUnfinished(em, tenant)), MAX_STARTS);
  if (room <= 0) return 0;
  let started = 0;
  // More than there is room for: whoever ends another investigation at this moment may have taken the first ones.
  for (const alert of await findLongestWaiting(em, tenant, room + MAX_STARTS)) {
    if (started === room) break;
    // Its holder starts it. To wait for him, with an investigation's row locked, could be to wait in a circle.
    if (!(await tryLockAlert(em, tenant, alert.alertId))) continue;
    if (!(await isWaiting(em, tenant, alert.alertId))) continue;
    const outcome = await startInvestigation(em, services, policyRequest(tenant, alert));
    if (outcome.kind === 'limit') break;
    if (outcome.kind === 'started') started += 1;
  }
  return started;
}
