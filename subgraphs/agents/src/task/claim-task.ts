/**
 * Who works on a task: what a claim is, and what its holder does with it before the end.
 *
 * A worker that lost its lease may still be alive and write late; its fence is then older than the row's, and nothing of it is
 * accepted. Leases are measured by the database's clock alone, so workers' clocks need not agree.
 */
import type { Scope } from '@aurorasoc/kit/auth';
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import type { Instruction } from '../a2a/contract.js';
import type { AgentName } from '../agent/agent-registry.js';

/** The right to work on a task until somebody else claims it. */
export interface Claim {
  readonly tenant: string;
  readonly taskId: string;
  readonly investigationId: string;
  readonly agent: AgentName;
  readonly fence: number;
  readonly attempts: number;
  readonly instruction: Instruction;
  readonly requesterId: string;
  readonly requesterScopes: readonly Scope[];
  /** Since when the task has been due, by the database's clock and in its words: its place among the others. */
  readonly dueAt: string;
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
 * @param isCounted - false when the task itself had no part in it: the agent, the gateway or the database was away.
 * @returns false when the claim is lost; nothing is changed then.
 */
export function releaseTask(database: Database, claim: Claim, delayMs: number, isCounted: boolean): Promise<boolean> {
  return release(database, claim, isCounted, "now() + ? * interval '1 millisecond'", delayMs);
}

/**
 * Gives a task back to its former place among those that are due, its attempt uncounted: this process does not begin it, or is
 * stopping.
 */
export async function returnTask(database: Database, claim: Claim): Promise<void> {
  await release(database, claim, false, '?::timestamptz', claim.dueAt);
}

/** @param dueAt - SQL of one parameter, `due`. */
async function release(
  database: Database,
  claim: Claim,
  isCounted: boolean,
  dueAt: string,
  due: number | string,
): Promise<boolean> {
  const rows = await database.inTenant(
    claim.tenant,
    (em) =>
      em.execute(
        `with released as (
         update agents.task set status = 'PENDING', lease_until = null, claimed_by = null, attempts = attempts - ?
         where id = ? and fence = ? and status = 'RUNNING' returning id
       ) update agents.task_queue set due_at = ${dueAt} from released where task_id = released.id returning task_id`,
        [isCounted ? 0 : 1, claim.taskId, claim.fence, due],
      ) as Promise<unknown[]>,
  );
  return rows.length > 0;
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
