/** Ends tasks: by their result, by a failure, or because their investigation ends. */
import type { EntityManager } from '@aurorasoc/kit/database';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import type { FailureReport } from '../a2a/contract.js';
import type { AgentsEvents } from '../events.js';
import { AgentTask } from './task.entity.js';

export type TaskOutcome =
  | { readonly status: 'COMPLETED'; readonly result: Record<string, unknown> }
  | { readonly status: 'FAILED'; readonly failure: FailureReport };

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

export async function endTask(
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
