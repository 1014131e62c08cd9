/** Ends tasks: by their result, by a failure, or because their investigation ends. */
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import { type FailureReport, verdictSchema } from '../a2a/contract.js';
import type { AgentsEvents } from '../events.js';
import type { Investigation } from '../investigation/investigation.entity.js';
import { type InvestigationLog, lockInvestigation } from '../investigation/investigation-log.js';
import type { Claim } from './claim-task.js';
import { AgentTask } from './task.entity.js';

export type TaskOutcome =
  | { readonly status: 'COMPLETED'; readonly result: Record<string, unknown> }
  | { readonly status: 'FAILED'; readonly failure: FailureReport };

export interface FinishServices {
  readonly database: Database;
  readonly recorder: EventRecorder<AgentsEvents>;
  readonly investigationLog: InvestigationLog;
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
      applyOutcome(investigation, outcome, now);
      await cancelOpenTasks(em, services.recorder, investigation.id, actor, now);
      await services.investigationLog.completed(em, investigation, actor, now);
    }
    return true;
  });
}

function applyOutcome(investigation: Investigation, outcome: TaskOutcome, now: Date): void {
  investigation.finishedAt = now;
  if (outcome.status === 'COMPLETED') {
    const verdict = verdictSchema.parse(outcome.result);
    investigation.verdict = verdict;
    investigation.status = verdict.isBudgetExhausted ? 'BUDGET_EXHAUSTED' : 'COMPLETED';
  } else {
    investigation.failure = outcome.failure;
    investigation.status = outcome.failure.code === BUDGET_EXHAUSTED ? 'BUDGET_EXHAUSTED' : 'FAILED';
  }
}

/** Ends the tasks of an investigation that is over; their agents are told at their next sign of life. */
export async function cancelOpenTasks(
  em: EntityManager,
  recorder: EventRecorder<AgentsEvents>,
  investigationId: string,
  actor: Actor,
  now: Date,
): Promise<void> {
  const open = await em.find(
    AgentTask,
    { investigationId, status: { $in: ['PENDING', 'RUNNING'] } },
    { orderBy: { id: 'asc' } },
  );
  for (const task of open) await endTask(em, recorder, task, { status: 'CANCELLED' }, actor, now);
}

async function endTask(
  em: EntityManager,
  recorder: EventRecorder<AgentsEvents>,
  task: AgentTask,
  outcome: TaskOutcome | { status: 'CANCELLED' },
  actor: Actor,
  now: Date,
): Promise<void> {
  task.status = outcome.status;
  task.version += 1;
  task.finishedAt = now;
  task.leaseUntil = null;
  if (outcome.status === 'COMPLETED') task.result = outcome.result;
  if (outcome.status === 'FAILED') task.failure = outcome.failure;
  await em.flush();
  await em.execute('delete from agents.task_queue where task_id = ?', [task.id]);
  const { id, investigationId, tenant, version, agent, fence } = task;
  await recorder.record(em, {
    type: 'task.completed',
    subject: id,
    version,
    tenant,
    actor,
    data: { investigationId, agent, status: outcome.status, fence },
    occurredAt: now,
  });
}
