/** Ends an investigation at somebody's wish. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import type { Database } from '@aurorasoc/kit/database';
import { endInvestigation } from './end-investigation.js';
import type { Investigation } from './investigation.entity.js';
import { lockInvestigation } from './investigation-log.js';
import type { StartServices } from './start-investigation.js';

export type CancelOutcome =
  | { kind: 'cancelled'; investigation: Investigation }
  | { kind: 'finished'; investigation: Investigation }
  | { kind: 'missing' };

export interface CancelServices extends StartServices {
  readonly database: Database;
}

/** Cancelled twice is cancelled: the second call finds it done and says so. */
export async function cancelInvestigation(
  services: CancelServices,
  principal: Principal,
  id: string,
): Promise<CancelOutcome> {
  return services.database.inTenant(principal.tenant, async (em) => {
    const investigation = await lockInvestigation(em, id);
    if (!investigation) return { kind: 'missing' };
    if (investigation.status === 'CANCELLED') return { kind: 'cancelled', investigation };
    if (!investigation.isUnfinished) return { kind: 'finished', investigation };
    const now = new Date();
    investigation.status = 'CANCELLED';
    await endInvestigation(em, services, investigation, actorOf(principal), now);
    return { kind: 'cancelled', investigation };
  });
}
