/**
 * Claims of due tasks, as many of one tenant as there are places for, in one statement and one commit.
 *
 * Nothing here waits for a row that somebody else has locked: it is passed over, and is still due when whoever locked it leaves it
 * so. So workers that look at one moment get different tasks, and a claim is never part of a deadlock, whatever order others lock in.
 */
import { arrayLiteral, type Database, type EntityManager, executeBound } from '@aurorasoc/kit/database';
import { ofOpenTenant } from '@aurorasoc/kit/erasure';
import { describeError, isConnectionError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import type { Lane } from '../agent/agent-registry.js';
import { Investigation } from '../investigation/investigation.entity.js';
import type { InvestigationLog } from '../investigation/investigation-log.js';
import type { Claim } from './claim-task.js';

/** A tenant with tasks that wait for a worker, or whose worker is lost. */
export interface DueTenant {
  readonly tenant: string;
  readonly tasks: number;
}

export interface Claimant {
  readonly database: Database;
  readonly investigationLog: InvestigationLog;
  /** Of the process. */
  readonly name: string;
  readonly leaseMs: number;
  readonly log: Logger;
}

export interface DueTasks {
  readonly tenant: string;
  readonly lane: Lane;
  /** Most claims. */
  readonly limit: number;
  /** Tasks that are not wanted although they are due: this process works on them, and has not noticed that its lease ended. */
  readonly except?: readonly string[];
  /** The only task that is wanted. @default any */
  readonly only?: string | undefined;
}

/**
 * Whose tasks are due: of the oldest `reach` of all tenants, how many each has. The tenant whose task has waited longest comes first.
 * @param except - as in {@link DueTasks}.
 */
export async function findDueTenants(
  database: Database,
  lane: Lane,
  reach: number,
  except: readonly string[] = [],
): Promise<DueTenant[]> {
  return database.execute<DueTenant>(
    `select tenant, count(*)::integer as tasks from (
       select tenant, due_at from agents.task_queue
       where lane = ? and due_at <= now() and task_id <> all(?::uuid[]) and ${ofOpenTenant('agents', 'task_queue')}
       order by due_at limit ?) due
     group by tenant order by min(due_at)`,
    [lane, arrayLiteral(except), reach],
  );
}

/**
 * Claims a tenant's oldest due tasks: all of them or, where that fails, each that can be claimed by itself.
 *
 * @returns the claims; fewer than there are due when others are at the same ones.
 * @throws AuroraError `TENANT_ERASED`, and as `Database.inTenant`; the first failure when no task could be claimed.
 */
export async function claimDueTasks(claimant: Claimant, due: DueTasks): Promise<Claim[]> {
  try {
    return await claimTogether(claimant, due);
  } catch (error) {
    if (due.only !== undefined || isConnectionError(error)) throw error;
    const claims = await claimSingly(claimant, due);
    if (claims.length === 0) throw error;
    return claims;
  }
}

/** Until a task that cannot be claimed is tried again, milliseconds. */
const UNCLAIMABLE_MS = 5_000;

/** One task that cannot be claimed must not keep others from every worker: it goes behind them. */
async function claimSingly(claimant: Claimant, due: DueTasks): Promise<Claim[]> {
  const { database, log } = claimant;
  const claims: Claim[] = [];
  for (const only of await findDueTasks(database, due)) {
    try {
      claims.push(...(await claimTogether(claimant, { ...due, only })));
    } catch (error) {
      // Those that were claimed are begun all the same.
      if (isConnectionError(error)) return claims;
      log.warn({ taskId: only, tenant: due.tenant, error: describeError(error) }, 'Task cannot be claimed');
      // Where that fails too, it keeps its place and is met again by the next look.
      await postpone(database, due.tenant, only).catch(() => undefined);
    }
  }
  return claims;
}

/** Only a task that is due and not locked: by now it may be somebody's, whose lease stands in its place. */
async function postpone(database: Database, tenant: string, taskId: string): Promise<void> {
  await database.inTenant(tenant, (em) =>
    em.execute(
      `update agents.task_queue set due_at = now() + ? * interval '1 millisecond'
       where task_id = any(array(
         select task_id from agents.task_queue where task_id = ? and due_at <= now() for update skip locked))`,
      [UNCLAIMABLE_MS, taskId],
    ),
  );
}

async function findDueTasks(database: Database, { tenant, lane, limit, except = [] }: DueTasks): Promise<string[]> {
  const rows = await database.execute<{ task_id: string }>(
    `select task_id from agents.task_queue where lane = ? and tenant = ? and due_at <= now() and task_id <> all(?::uuid[])
     order by due_at limit ?`,
    [lane, tenant, arrayLiteral(except), limit],
  );
  return rows.map((row) => row.task_id);
}

function claimTogether(claimant: Claimant, due: DueTasks): Promise<Claim[]> {
  return claimant.database.inTenant(due.tenant, async (em) => {
    const rows = await takeLeases(em, claimant, due);
    if (due.lane === 'orchestrator' && rows.length > 0) await beginInvestigations(em, claimant.investigationLog, rows);
    return rows.map(({ traceparent, alertTraceparent, ...row }) => ({
      ...row,
      tenant: due.tenant,
      traceparent: traceparent ?? undefined,
      alertTraceparent: alertTraceparent ?? undefined,
    }));
  });
}

/** A claim as the statement returns it. */
type ClaimRow = Omit<Claim, 'tenant' | 'traceparent' | 'alertTraceparent'> & {
  readonly traceparent: string | null;
  readonly alertTraceparent: string | null;
};

/**
 * Rows are found by arrays of ids, or one by one: the planner takes a common table expression for a single row, and where it may
 * join it reads a tenant's whole table for each.
 */
function takeLeases(
  em: EntityManager,
  { name, leaseMs }: Claimant,
  { tenant, lane, limit, except = [], only }: DueTasks,
): Promise<ClaimRow[]> {
  return executeBound<ClaimRow>(
    em,
    `with due as materialized (
       select task_id, due_at from agents.task_queue
       where lane = $1 and tenant = $2 and due_at <= now() and task_id <> all($3::uuid[]) and task_id = coalesce($4::uuid, task_id)
       order by due_at limit $5 for update skip locked
     ), free as materialized (
       select task.id from agents.task ${lane === 'orchestrator' ? LOCKED_WITH_INVESTIGATION : ''}
       where task.id = any(array(select task_id from due))
         and (task.status = 'PENDING' or (task.status = 'RUNNING' and task.lease_until < now()))
       for update skip locked
     ), claimed as (
       update agents.task set status = 'RUNNING', fence = fence + 1, attempts = attempts + 1, claimed_by = $6,
         lease_until = now() + $7 * interval '1 millisecond', started_at = coalesce(started_at, now())
       where id = any(array(select id from free))
       returning id, investigation_id, agent, fence, attempts, instruction, traceparent
     ), prolonged as (
       update agents.task_queue set due_at = now() + $7 * interval '1 millisecond'
       where task_id = any(array(select id from claimed))
     )
     select claimed.id as "taskId", investigation_id as "investigationId", agent, fence, attempts, instruction, traceparent,
       requester_id as "requesterId", requester_scopes as "requesterScopes", alert_traceparent as "alertTraceparent",
       (select due_at::text from due where due.task_id = claimed.id) as "dueAt"
     from claimed cross join lateral (
       select requester_id, requester_scopes, alert_traceparent from agents.investigation
       where investigation.id = claimed.investigation_id offset 0) investigation
     order by claimed.id`,
    [lane, tenant, arrayLiteral(except), only ?? null, limit, name, leaseMs],
  );
}

/**
 * An orchestrator's claim may change its investigation. Those of specialists change their tasks alone, and would pass over every
 * task of an investigation in which a step is being written.
 */
const LOCKED_WITH_INVESTIGATION = 'join agents.investigation on investigation.id = task.investigation_id';

async function beginInvestigations(
  em: EntityManager,
  log: InvestigationLog,
  claims: readonly ClaimRow[],
): Promise<void> {
  const ids = claims.map((claim) => claim.investigationId);
  const pending = await em.find(Investigation, { id: { $in: ids }, status: 'PENDING' }, { orderBy: { id: 'asc' } });
  const now = new Date();
  for (const investigation of pending) {
    investigation.status = 'RUNNING';
    investigation.startedAt = now;
    await log.progressed(em, investigation, { kind: 'agent', id: 'orchestrator' }, null, now);
  }
}
