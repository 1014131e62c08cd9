/** Claims and ends of several tasks in one transaction: what one of them meets must not concern the others. */
import type { Database } from '@aurorasoc/kit/database';
import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cancelInvestigation } from '../investigation/cancel-investigation.js';
import type { Investigation } from '../investigation/investigation.entity.js';
import { InvestigationLog } from '../investigation/investigation-log.js';
import { PATIENCE } from '../testing/investigations.js';
import { ann, LEASE_MS, useDatabase } from '../testing/use-cases.js';
import { type Claimant, claimDueTasks, type DueTasks, findDueTenants } from './claim-due-tasks.js';
import type { Claim } from './claim-task.js';
import type { TaskOutcome } from './end-task.js';
import { type Finished, finishSpecialists } from './finish-task.js';
import { GroupCommit } from './group-commit.js';
import { AgentTask } from './task.entity.js';

const db = useDatabase();
const { started, running, specialist, firstTask, reload, eventsOf } = db;

const COMPLETED: TaskOutcome = { status: 'COMPLETED', result: { found: 'a "b" \\ {c}, NULL' } };
/** PostgreSQL stores no NUL; agents' texts never hold one, see a2a/storable.ts. */
const UNSTORABLE: TaskOutcome = { status: 'COMPLETED', result: { found: '\0' } };

const claimAs = (leaseMs: number, due: Partial<DueTasks> & { tenant: string }): Promise<Claim[]> =>
  claimDueTasks({ ...db.services, name: newId(), leaseMs }, { lane: 'specialist', limit: 100, ...due });
const ends = () =>
  new GroupCommit<Finished, boolean>({
    maxItems: 100,
    commit: (tenant, finished) => finishSpecialists(db.services, tenant, finished),
  });
const rowOf = (tenant: string, id: string): Promise<AgentTask> =>
  db.services.database.inTenant(tenant, (em) => em.findOneOrFail(AgentTask, { id }));
const queued = (tenant: string): Promise<object[]> =>
  db.services.database.execute("select task_id from agents.task_queue where tenant = ? and lane = 'specialist'", [
    tenant,
  ]);

/** A worker that cannot begin `investigation`. @param onFailed - after each attempt to claim it, whose transaction is over by then. */
function unableToBegin(investigation: Investigation, onFailed?: (attempt: number) => Promise<void>): Claimant {
  const { database, recorder, log } = db.services;
  class FailingLog extends InvestigationLog {
    override progressed(...args: Parameters<InvestigationLog['progressed']>): Promise<void> {
      return args[1].id === investigation.id ? Promise.reject(new Error('not this one')) : super.progressed(...args);
    }
  }
  let failed = 0;
  const told: Pick<Database, 'execute' | 'inTenant'> = {
    execute: (...args) => database.execute(...args),
    inTenant: (tenant, work) =>
      database.inTenant(tenant, work).catch(async (error: unknown) => {
        await onFailed?.(++failed);
        throw error;
      }),
  };
  return {
    database: told as Database,
    investigationLog: new FailingLog(recorder),
    log,
    name: newId(),
    leaseMs: LEASE_MS,
  };
}

async function dueInSeconds(tenant: string, taskId: string): Promise<number> {
  const [row] = await db.services.database.inTenant(tenant, (em) =>
    em.execute<{ seconds: number }[]>(
      'select extract(epoch from due_at - now())::float8 as seconds from agents.task_queue where task_id = ?',
      [taskId],
    ),
  );
  return row?.seconds ?? Number.NaN;
}

/** A running investigation whose specialists wait. */
async function withSpecialists(
  tenant: string,
  count: number,
): Promise<{ investigation: Investigation; ids: string[] }> {
  const { investigation } = await running(tenant);
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push((await specialist(investigation, `k${n}`)).id);
  return { investigation, ids };
}

describe('claims of several tasks', () => {
  it('are of one tenant, the oldest first, no more than asked for, and each with what its run needs', async () => {
    const [tenant, other] = [newId(), newId()];
    const { investigation, ids } = await withSpecialists(tenant, 5);
    await withSpecialists(other, 2);
    const claims = await claimAs(LEASE_MS, { tenant, limit: 3 });
    expect(claims.map(({ taskId }) => taskId)).toEqual(ids.slice(0, 3));
    expect(claims[0]).toMatchObject({
      tenant,
      investigationId: investigation.id,
      agent: 'endpoint',
      fence: 1,
      attempts: 1,
      instruction: { alertId: investigation.alertId, question: null },
      requesterId: 'ann',
      requesterScopes: investigation.requesterScopes,
    });
    const left = await findDueTenants(db.services.database, 'specialist', 1_000);
    expect(left).toContainEqual({ tenant, tasks: 2 });
    expect(left).toContainEqual({ tenant: other, tasks: 2 });
  });

  it('leave out what the worker is still at', async () => {
    const tenant = newId();
    const { ids } = await withSpecialists(tenant, 3);
    await claimAs(0, { tenant });
    const again = await claimAs(LEASE_MS, { tenant, except: [ids[1] as string] });
    expect(again.map(({ taskId, fence }) => [taskId, fence])).toEqual([
      [ids[0], 2],
      [ids[2], 2],
    ]);
  });

  it('pass over a row that somebody has locked, without waiting', async () => {
    const tenant = newId();
    const { ids } = await withSpecialists(tenant, 3);
    await db.services.database.inTenant(tenant, async (em) => {
      await em.execute('select from agents.task where id = ? for update', [ids[0]]);
      expect((await claimAs(LEASE_MS, { tenant })).map(({ taskId }) => taskId)).toEqual(ids.slice(1));
    });
    expect((await claimAs(LEASE_MS, { tenant })).map(({ taskId }) => taskId)).toEqual(ids.slice(0, 1));
  });

  it('begin the investigations of orchestrators, each with its event', async () => {
    const tenant = newId();
    const investigations = [await started(tenant), await started(tenant), await started(tenant)];
    expect(await claimAs(LEASE_MS, { tenant, lane: 'orchestrator' })).toHaveLength(3);
    for (const investigation of investigations) {
      expect(await reload(investigation)).toMatchObject({ status: 'RUNNING', version: 2 });
      expect((await eventsOf(tenant, investigation.id)).map(({ version }) => version)).toEqual([1, 2]);
    }
  });

  it('are made singly where the group fails: one task that cannot be claimed keeps no others, and goes behind them', async () => {
    const tenant = newId();
    const investigations = [await started(tenant), await started(tenant), await started(tenant)];
    const bad = investigations[1] as Investigation;
    const claimant = unableToBegin(bad);
    const claims = await claimDueTasks(claimant, { tenant, lane: 'orchestrator', limit: 10 });
    expect(claims.map(({ investigationId }) => investigationId).sort()).toEqual(
      [investigations[0]?.id, investigations[2]?.id].sort(),
    );
    expect(await firstTask(bad)).toMatchObject({ status: 'PENDING', fence: 0 });
    expect(await claimDueTasks(claimant, { tenant, lane: 'orchestrator', limit: 1 })).toEqual([]);
    expect(await dueInSeconds(tenant, (await firstTask(bad)).id)).toBeGreaterThan(3);
  });

  it('leave the lease of another worker alone, which was able to claim what this one was not', async () => {
    const tenant = newId();
    const bad = await started(tenant);
    const { id } = await firstTask(bad);
    const claimant = unableToBegin(bad, async (attempt) => {
      if (attempt === 2) await claimAs(LEASE_MS, { tenant, lane: 'orchestrator' });
    });
    await expect(claimDueTasks(claimant, { tenant, lane: 'orchestrator', limit: 10 })).rejects.toThrow('not this one');
    expect(await firstTask(bad)).toMatchObject({ status: 'RUNNING', fence: 1 });
    expect(await dueInSeconds(tenant, id)).toBeGreaterThan(30);
  });

  it('wait for nobody who has locked what cannot be claimed', async () => {
    const tenant = newId();
    const bad = await started(tenant);
    const { id } = await firstTask(bad);
    const [locked, unlock] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    onTestFinished(() => unlock.resolve());
    let holder: Promise<void> | undefined;
    const claimant = unableToBegin(bad, async (attempt) => {
      if (attempt < 2) return;
      holder = db.services.database.inTenant(tenant, async (em) => {
        await em.execute('select from agents.task_queue where task_id = ? for update', [id]);
        locked.resolve();
        await unlock.promise;
      });
      await locked.promise;
    });
    const claims = claimDueTasks(claimant, { tenant, lane: 'orchestrator', limit: 10 });
    await expect(claims).rejects.toThrow('not this one');
    unlock.resolve();
    await holder;
    expect(await dueInSeconds(tenant, id)).toBeLessThanOrEqual(0);
    // Half of what a statement that waits for a lock may take.
  }, 5_000);
});

describe('ends of several tasks', () => {
  it('refuse the one whose fence is stale, and keep the others', async () => {
    const tenant = newId();
    const { ids } = await withSpecialists(tenant, 3);
    const claims = await claimAs(0, { tenant });
    const [taken] = await claimAs(LEASE_MS, { tenant, only: ids[1] });
    expect(taken?.fence).toBe(2);
    const group = ends();
    expect(await Promise.all(claims.map((claim) => group.add(tenant, { claim, outcome: COMPLETED })))).toEqual([
      true,
      false,
      true,
    ]);
    expect(await rowOf(tenant, ids[1] as string)).toMatchObject({ status: 'RUNNING', fence: 2, result: null });
    for (const id of [ids[0], ids[2]] as string[]) {
      expect(await rowOf(tenant, id)).toMatchObject({
        status: 'COMPLETED',
        version: 2,
        leaseUntil: null,
        result: { found: 'a "b" \\ {c}, NULL' },
      });
      expect(await eventsOf(tenant, id)).toMatchObject([
        { type: 'task.requested', version: 1 },
        { type: 'task.completed', version: 2, data: { status: 'COMPLETED', fence: 1, agent: 'endpoint' } },
      ]);
    }
    expect(await queued(tenant)).toEqual([{ task_id: ids[1] }]);
  });

  it('are written singly where the group fails: a result that cannot be stored costs its own task', async () => {
    const tenant = newId();
    const { ids } = await withSpecialists(tenant, 3);
    const claims = await claimAs(LEASE_MS, { tenant });
    const group = ends();
    const outcomes: TaskOutcome[] = [COMPLETED, UNSTORABLE, { status: 'FAILED', failure: { code: 'C', message: 'm' } }];
    const told = await Promise.allSettled(
      claims.map((claim, n) => group.add(tenant, { claim, outcome: outcomes[n] as TaskOutcome })),
    );
    expect(told).toMatchObject([{ value: true }, { status: 'rejected' }, { value: true }]);
    const rows = await Promise.all(ids.map((id) => rowOf(tenant, id)));
    expect(rows).toMatchObject([
      { status: 'COMPLETED', failure: null },
      { status: 'RUNNING', fence: 1, version: 1 },
      { status: 'FAILED', failure: { code: 'C', message: 'm' }, result: null },
    ]);
    expect(await queued(tenant)).toEqual([{ task_id: ids[1] }]);
  });

  it('of several tenants at once are each in the own transaction, seen by the own tenant only', async () => {
    const tenants = [newId(), newId(), newId()];
    const all = await Promise.all(
      tenants.map(async (tenant) => {
        await withSpecialists(tenant, 4);
        return claimAs(LEASE_MS, { tenant });
      }),
    );
    const commits: string[] = [];
    const group = new GroupCommit<Finished, boolean>({
      maxItems: 100,
      commit: (tenant, finished) => {
        commits.push(tenant);
        return finishSpecialists(db.services, tenant, finished);
      },
    });
    const mixed = all.flat().sort((a, b) => a.taskId.localeCompare(b.taskId));
    const told = await Promise.all(mixed.map((claim) => group.add(claim.tenant, { claim, outcome: COMPLETED })));
    expect(told).toEqual(Array(12).fill(true));
    expect(commits.sort()).toEqual(tenants.sort());
    for (const [n, claims] of all.entries())
      for (const { taskId, tenant } of claims) {
        expect((await eventsOf(tenant, taskId)).at(-1)).toMatchObject({ type: 'task.completed', version: 2 });
        expect(await eventsOf(all[(n + 1) % 3]?.[0]?.tenant ?? '', taskId)).toEqual([]);
      }
  });

  it('of another tenant are refused, whatever the claim says', async () => {
    const tenant = newId();
    await withSpecialists(tenant, 1);
    const [claim] = await claimAs(LEASE_MS, { tenant });
    const foreign = { claim: { ...(claim as Claim), tenant: newId() }, outcome: COMPLETED };
    expect(await finishSpecialists(db.services, foreign.claim.tenant, [foreign])).toEqual([false]);
    expect(await rowOf(tenant, (claim as Claim).taskId)).toMatchObject({ status: 'RUNNING' });
    expect(await queued(tenant)).toHaveLength(1);
  });

  it('by a cancellation are of the fence that a claim has just given', async () => {
    const tenant = newId();
    const { investigation, ids } = await withSpecialists(tenant, 1);
    let cancelling: Promise<unknown> | undefined;
    // A claim that is about to commit when somebody cancels.
    await db.services.database.inTenant(tenant, async (em) => {
      await em.execute("update agents.task set status = 'RUNNING', fence = 1 where id = ?", [ids[0]]);
      cancelling = cancelInvestigation(db.services, ann(tenant), investigation.id);
      await vi.waitFor(async () => {
        const waiting = await db.services.database.execute('select from pg_locks where not granted');
        expect(waiting).toHaveLength(1);
      }, PATIENCE);
    });
    await cancelling;
    expect(await rowOf(tenant, ids[0] as string)).toMatchObject({ status: 'CANCELLED', fence: 1 });
    expect((await eventsOf(tenant, ids[0] as string)).at(-1)).toMatchObject({
      data: { status: 'CANCELLED', fence: 1 },
    });
  });

  it('and the cancellation of their investigations at the same moment end each task once', async () => {
    const tenant = newId();
    const all = await Promise.all(Array.from({ length: 4 }, () => withSpecialists(tenant, 5)));
    // Half of them run; the others are claimed at the very moment.
    const claims = await claimAs(LEASE_MS, { tenant, limit: 10 });
    const [told, , late] = await Promise.all([
      finishSpecialists(
        db.services,
        tenant,
        claims.map((claim) => ({ claim, outcome: COMPLETED })),
      ),
      Promise.all(all.map(({ investigation }) => cancelInvestigation(db.services, ann(tenant), investigation.id))),
      claimAs(LEASE_MS, { tenant }),
    ]);
    const lateTold = await finishSpecialists(
      db.services,
      tenant,
      late.map((claim) => ({ claim, outcome: COMPLETED })),
    );
    expect(lateTold, 'the cancellation came first, or is told of the new fence').toEqual(late.map(() => false));
    const accepted = new Map(claims.map(({ taskId }, n) => [taskId, told[n]]));
    for (const { investigation, ids } of all) {
      expect((await reload(investigation)).status).toBe('CANCELLED');
      for (const id of ids) {
        const row = await rowOf(tenant, id);
        expect(row).toMatchObject({ status: accepted.get(id) ? 'COMPLETED' : 'CANCELLED', version: 2 });
        expect((await eventsOf(tenant, id)).slice(1)).toMatchObject([
          { type: 'task.completed', version: 2, data: { status: row.status, fence: row.fence } },
        ]);
      }
    }
    expect(await queued(tenant)).toEqual([]);
  });
});
