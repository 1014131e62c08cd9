/** Ends a task by what its holder says came of it; the orchestrator's with its investigation. */
import type { Database } from '@aurorasoc/kit/database';
import type { Actor } from '@aurorasoc/kit/events';
import { verdictSchema } from '../a2a/contract.js';
import { endInvestigation } from '../investigation/end-investigation.js';
import type { Investigation } from '../investigation/investigation.entity.js';
import { lockInvestigation } from '../investigation/investigation-log.js';
import type { StartServices } from '../investigation/start-investigation.js';
import type { Claim } from './claim-task.js';
import { endTask, type TaskOutcome } from './end-task.js';
import { AgentTask } from './task.entity.js';

export interface FinishServices extends StartServices {
  readonly database: Database;
}

/** The failure that means "as far as the budget reached". */
export const BUDGET_EXHAUSTED = 'BUDGET_EXHAUSTED';

/**
 * Stores what a task came to. The orchestrator's task ends its investigation, and with it every task that is still open.
 * @returns false when the claim was not the current one: the outcome belongs to nobody and is dropped.
 */
export async function finishTask(services: FinishServices, claim: Claim, outcome: TaskOutcome): Promise<boolean> {
  return services.database.inTenant(claim.tenant, async (em) => {
    const investigation = await lockInvestigation(em, claim.investigationId);
    const task = await em.findOne(AgentTask, { id: claim.taskId, fence: claim.fence, status: 'RUNNING' });
    if (!investigation || !task) return false;
    const now = new Date();
    const actor: Actor = { kind: 'agent', id: claim.agent };
    await endTask(em, services.recorder, task, outcome, actor, now);
    if (claim.agent === 'orchestrator' && investigation.isUnfinished) {
      applyOutcome(investigation, outcome);
      await endInvestigation(em, services, investigation, actor, now);
    }
    return true;
  });
}

function applyOutcome(investigation: Investigation, outcome: TaskOutcome): void {
  if (outcome.status === 'COMPLETED') {
    const verdict = verdictSchema.parse(outcome.result);
    investigation.verdict = verdict;
    investigation.status = verdict.isBudgetExhausted ? 'BUDGET_EXHAUSTED' : 'COMPLETED';
  } else {
    investigation.failure = outcome.failure;
    investigation.status = outcome.failure.code === BUDGET_EXHAUSTED ? 'BUDGET_EXHAUSTED' : 'FAILED';
  }
}
