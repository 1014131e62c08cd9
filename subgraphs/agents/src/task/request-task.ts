/** Puts a task into the table, its row into the queue and its event into the log: all in the open transaction. */
import { type EntityManager, executeBound } from '@aurorasoc/kit/database';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import type { Instruction } from '../a2a/contract.js';
import { AGENTS, type AgentName } from '../agent/agent-registry.js';
import type { AgentsEvents } from '../events.js';
import { AgentTask } from './task.entity.js';

export interface TaskRequest {
  readonly tenant: string;
  readonly investigationId: string;
  readonly key: string;
  readonly agent: AgentName;
  readonly instruction: Instruction;
  readonly actor: Actor;
  readonly now: Date;
}

export async function requestTask(
  em: EntityManager,
  recorder: EventRecorder<AgentsEvents>,
  request: TaskRequest,
): Promise<AgentTask> {
  const { tenant, investigationId, key, agent, instruction, actor, now } = request;
  const task = new AgentTask({
    id: newId(),
    tenant,
    investigationId,
    key,
    agent,
    instruction,
    requestedAt: now,
    traceparent: currentTraceparent() ?? null,
  });
  // Its investigation may not be written yet.
  await em.flush();
  await insertTask(em, task);
  await recorder.record(em, {
    type: 'task.requested',
    subject: task.id,
    version: task.version,
    tenant,
    actor,
    data: { investigationId, agent },
    occurredAt: now,
  });
  return task;
}

/** Both rows in one statement: a request is all that a waiting agent waits for. Due at once, by the clock that says what is due. */
async function insertTask(em: EntityManager, task: AgentTask): Promise<void> {
  await executeBound(
    em,
    `with requested as (
       insert into agents.task (id, tenant, version, investigation_id, key, agent, instruction, status, fence, attempts,
         requested_at, traceparent)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id, tenant
     ) insert into agents.task_queue (task_id, tenant, lane, due_at) select id, tenant, $13, now() from requested`,
    [
      task.id,
      task.tenant,
      task.version,
      task.investigationId,
      task.key,
      task.agent,
      JSON.stringify(task.instruction),
      task.status,
      task.fence,
      task.attempts,
      task.requestedAt.toISOString(),
      task.traceparent,
      AGENTS[task.agent].lane,
    ],
  );
}
