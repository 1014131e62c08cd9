/** Puts a task into the table, its row into the queue and its event into the log: all in the open transaction. */
import type { EntityManager } from '@aurorasoc/kit/database';
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
  em.persist(task);
  await em.flush();
  // By the database's clock, which is the one that says what is due.
  await em.execute('insert into agents.task_queue (task_id, tenant, lane, due_at) values (?, ?, ?, now())', [
    task.id,
    tenant,
    AGENTS[agent].lane,
  ]);
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
