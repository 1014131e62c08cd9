/** Ends an investigation at somebody's wish. */
import type { Principal } from '@aurorasoc/kit/auth';
import type { Database } from '@aurorasoc/kit/database';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import type { AgentsEvents } from '../events.js';
import { cancelOpenTasks } from '../task/finish-task.js';
import type { Investigation } from './investigation.entity.js';
import { type InvestigationLog, lockInvestigation } from './investigation-log.js';

export type CancelOutcome =
  | { kind: 'cancelled'; investigation: Investigation }
  | { kind: 'finished'; investigation: Investigation }
  | { kind: 'missing' };

export interface CancelServices {
  readonly database: Database;
  readonly recorder: EventRecorder<AgentsEvents>;
  readonly investigationLog: InvestigationLog;
}

/** Cancelled twice is cancelled: the second call finds it done and says so. */
export async function cancelInvestigation(
  { database, recorder, investigationLog }: CancelServices,
  principal: Principal,
  id: string,
): Promise<CancelOutcome> {
  return database.inTenant(principal.tenant, async (em) => {
    const investigation = await lockInvestigation(em, id);
    if (!investigation) return { kind: 'missing' };
    if (investigation.status === 'CANCELLED') return { kind: 'cancelled', investigation };
    if (!investigation.isUnfinished) return { kind: 'finished', investigation };
    const now = new Date();
    const actor: Actor = { kind: principal.kind, id: principal.subject };
    investigation.status = 'CANCELLED';
    investigation.finishedAt = now;
    await cancelOpenTasks(em, recorder, investigation.id, actor, now);
    await investigationLog.completed(em, investigation, actor, now);
    return { kind: 'cancelled', investigation };
  });
}
