/** Ends tasks by what their holders say came of them; the orchestrator's with its investigation. */
import type { Database } from '@aurorasoc/kit/database';
import { verdictSchema } from '../a2a/contract.js';
import { endInvestigation } from '../investigation/end-investigation.js';
import type { Investigation } from '../investigation/investigation.entity.js';
import { lockInvestigation } from '../investigation/investigation-log.js';
import type { StartServices } from '../investigation/start-investigation.js';
import type { Claim } from './claim-task.js';
import { endTasks, type TaskEnd, type TaskOutcome } from './end-task.js';

export interface FinishServices extends StartServices {
  readonly database: Database;
}

/** The failure that means "as far as the budget reached". */
export const BUDGET_EXHAUSTED = 'BUDGET_EXHAUSTED';

/** What the holder of a claim says came of its task. */
export interface Finished {
  readonly claim: Claim;
  readonly outcome: TaskOutcome;
  /** The span that brought the outcome. */
  readonly traceparent?: string | undefined;
}

/**
 * Stores what a task came to. The orchestrator's task ends its investigation, and with it every task that is still open.
 * @returns false when the claim was not the current one: the outcome belongs to nobody and is dropped.
 */
export async function finishTask(services: FinishServices, claim: Claim, outcome: TaskOutcome): Promise<boolean> {
  if (claim.agent === 'orchestrator') return finishOrchestrator(services, claim, outcome);
  return (await finishSpecialists(services, claim.tenant, [{ claim, outcome }]))[0] ?? false;
}

/**
 * Stores what tasks of specialists came to, of one tenant, in one transaction. They change nothing but their own rows, so their
 * investigations are not locked.
 * @returns for each in turn, whether its claim was the current one.
 */
export async function finishSpecialists(
  { database, recorder }: FinishServices,
  tenant: string,
  finished: readonly Finished[],
): Promise<boolean[]> {
  const ends = finished.map(({ claim, outcome, traceparent }) => endOf(claim, outcome, traceparent));
  const ended = await database.inTenant(tenant, (em) => endTasks(em, recorder, ends, new Date()));
  return finished.map(({ claim }) => ended.has(claim.taskId));
}

function finishOrchestrator(services: FinishServices, claim: Claim, outcome: TaskOutcome): Promise<boolean> {
  return services.database.inTenant(claim.tenant, async (em) => {
    const investigation = await lockInvestigation(em, claim.investigationId);
    if (!investigation) return false;
    const now = new Date();
    const end = endOf(claim, outcome);
    const ended = await endTasks(em, services.recorder, [end], now);
    if (!ended.has(claim.taskId)) return false;
    if (investigation.isUnfinished) {
      applyOutcome(investigation, outcome);
      await endInvestigation(em, services, investigation, end.actor, now);
    }
    return true;
  });
}

function endOf(claim: Claim, outcome: TaskOutcome, traceparent?: string): TaskEnd {
  const { taskId, fence, agent } = claim;
  return { taskId, fence, outcome, actor: { kind: 'agent', id: agent }, traceparent };
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
