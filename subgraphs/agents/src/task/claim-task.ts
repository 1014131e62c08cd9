/**
 * Who works on a task: claims with a lease and a fence.
 *
 * A worker that lost its lease may still be alive and write late; its fence is then older than the row's, and nothing of it is
 * accepted. Leases are measured by the database's clock alone, so workers' clocks need not agree.
 */
import type { Scope } from '@aurorasoc/kit/auth';
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { ofOpenTenant } from '@aurorasoc/kit/erasure';
import type { Instruction } from '../a2a/contract.js';
import type { AgentName, Lane } from '../agent/agent-registry.js';
import { type InvestigationLog, lockInvestigation } from '../investigation/investigation-log.js';
import { AgentTask } from './task.entity.js';

/** The right to work on a task until somebody else claims it. */
export interface Claim {
  readonly tenant: string;
  readonly taskId: string;
  readonly investigationId: string;
  readonly agent: AgentName;
  readonly fence: number;
  readonly attempts: number;
  readonly instruction: Instruction;
  readonly requestedAt: Date;
  readonly requesterId: string;
  readonly requesterScopes: readonly Scope[];
  /** The span that requested the task. */
  readonly traceparent: string | undefined;
  /** The span that opened the alert; undefined where the request did not know it. */
  readonly alertTraceparent: string | undefined;
}

/** The holder of a claim found that it is no longer the holder, or that the investigation has ended. */
export class StaleClaimError extends Error {
  constructor(readonly claim: Pick<Claim, 'taskId' | 'fence'>) {
    super(`task ${claim.taskId}: fence ${claim.fence} is not the current one`);
    this.name = 'StaleClaimError';
  }
}

export interface DueTask {
  readonly taskId: string;
  readonly tenant: string;
}

/** Longer than it takes to claim as many tasks as a worker has places; a worker that dies in between costs them this long. */
const RESERVED_MS = 5_000;

/**
 * Tasks of all tenants that wait for a worker, or whose worker is lost; the oldest. They are the caller's to claim for a moment:
 * were all workers to find the same ones, each but one would spend a transaction on every task, and wait in it for the winner's.
 */
export async function reserveDueTasks(database: Database, lane: Lane, limit: number): Promise<DueTask[]> {
  return database.execute<{ taskId: string; tenant: string }>(
    `update agents.task_queue queue set due_at = now() + ${RESERVED_MS} * interval '1 millisecond'
     from (
       select task_id from agents.task_queue
       where lane = ? and due_at <= now() and ${ofOpenTenant('agents', 'task_queue')}
       order by due_at limit ? for update skip locked) due
     where queue.task_id = due.task_id returning queue.task_id as "taskId", queue.tenant`,
    [lane, limit],
  );
}

/** @returns undefined when somebody else was faster, or the task has ended. */
export async function claimTask(
  database: Database,
  log: InvestigationLog,
  due: DueTask,
  worker: string,
  leaseMs: number,
): Promise<Claim | undefined> {
  return database.inTenant(due.tenant, async (em) => {
    const found = await em.findOne(AgentTask, { id: due.taskId }, { fields: ['investigationId'] });
    const investigation = found && (await lockInvestigation(em, found.investigationId));
    if (!investigation) return undefined;
    const claimed = await takeLease(em, due.taskId, worker, leaseMs);
    if (!claimed) return undefined;
    const task = await em.findOneOrFail(AgentTask, { id: due.taskId }, { refresh: true });
    if (task.agent === 'orchestrator' && investigation.status === 'PENDING') {
      const now = new Date();
      investigation.status = 'RUNNING';
      investigation.startedAt = now;
      await log.progressed(em, investigation, { kind: 'agent', id: task.agent }, null, now);
    }
    return {
      tenant: due.tenant,
      taskId: task.id,
      investigationId: investigation.id,
      agent: task.agent,
      fence: task.fence,
      attempts: task.attempts,
      instruction: task.instruction,
      requestedAt: task.requestedAt,
      requesterId: investigation.requesterId,
      requesterScopes: investigation.requesterScopes,
      traceparent: task.traceparent ?? undefined,
      alertTraceparent: investigation.alertTraceparent ?? undefined,
    };
  });
}

async function takeLease(em: EntityManager, taskId: string, worker: string, leaseMs: number): Promise<boolean> {
  const rows = (await em.execute(
    `with claimed as (
       update agents.task set status = 'RUNNING', fence = fence + 1, attempts = attempts + 1, claimed_by = ?,
         lease_until = now() + ? * interval '1 millisecond', started_at = coalesce(started_at, now())
       where id = ? and (status = 'PENDING' or (status = 'RUNNING' and lease_until < now())) returning id, lease_until
     ) update agents.task_queue set due_at = claimed.lease_until from claimed where task_id = claimed.id returning task_id`,
    [worker, leaseMs, taskId],
  )) as { task_id: string }[];
  return rows.length > 0;
}

/** Prolongs the lease. @returns false when the claim is lost, which ends the work on it. */
export async function renewLease(database: Database, claim: Claim, leaseMs: number): Promise<boolean> {
  const rows = await database.inTenant(
    claim.tenant,
    (em) =>
      em.execute(
        `with renewed as (
           update agents.task set lease_until = now() + ? * interval '1 millisecond'
           where id = ? and fence = ? and status = 'RUNNING' returning id, lease_until
         ) update agents.task_queue set due_at = renewed.lease_until from renewed where task_id = renewed.id returning task_id`,
        [leaseMs, claim.taskId, claim.fence],
      ) as Promise<unknown[]>,
  );
  return rows.length > 0;
}

/**
 * Gives a task back, to be taken again after `delayMs`.
 * @param isCounted - false when the task itself had no part in it: the agent was away, or this process is stopping.
 */
export async function releaseTask(
  database: Database,
  claim: Claim,
  delayMs: number,
  isCounted: boolean,
): Promise<void> {
  await database.inTenant(claim.tenant, (em) =>
    em.execute(
      `with released as (
         update agents.task set status = 'PENDING', lease_until = null, claimed_by = null, attempts = attempts - ?
         where id = ? and fence = ? and status = 'RUNNING' returning id
       ) update agents.task_queue set due_at = now() + ? * interval '1 millisecond' from released where task_id = released.id`,
      [isCounted ? 0 : 1, claim.taskId, claim.fence, delayMs],
    ),
  );
}

/**
 * Notes that the agent is away; the first such note since it last answered counts.
 * @returns milliseconds since then, by the database's clock; undefined when the claim is lost.
 */
export async function markAgentAway(database: Database, claim: Claim): Promise<number | undefined> {
  const rows = await database.inTenant(
    claim.tenant,
    (em) =>
      em.execute(
        `update agents.task set agent_away_since = coalesce(agent_away_since, now())
         where id = ? and fence = ? and status = 'RUNNING' returning extract(epoch from now() - agent_away_since) * 1000 as away_ms`,
        [claim.taskId, claim.fence],
      ) as Promise<{ away_ms: string }[]>,
  );
  return rows[0] && Number(rows[0].away_ms);
}

/** Notes that the agent answers; in the open transaction. */
export async function markAgentBack(em: EntityManager, { taskId, fence }: Claim): Promise<void> {
  await em.execute(
    'update agents.task set agent_away_since = null where id = ? and fence = ? and agent_away_since is not null',
    [taskId, fence],
  );
}

/** True while the claim is the current one; to be asked inside of the transaction that writes, its investigation locked. */
export async function isCurrentClaim(em: EntityManager, claim: Pick<Claim, 'taskId' | 'fence'>): Promise<boolean> {
  const rows = (await em.execute(
    `select 1 as held from agents.task where id = ? and fence = ? and status = 'RUNNING' for update`,
    [claim.taskId, claim.fence],
  )) as unknown[];
  return rows.length > 0;
}
