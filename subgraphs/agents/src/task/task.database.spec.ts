import type { Principal } from '@aurorasoc/kit/auth';
import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it } from 'vitest';
import { recordStep } from '../investigation/record-step.js';
import { LEASE_MS, orchestratorOf, step, useDatabase, VERDICT } from '../testing/use-cases.js';
import { claimDueTasks, findDueTenants } from './claim-due-tasks.js';
import { type Claim, releaseTask, renewLease, returnTask, StaleClaimError } from './claim-task.js';
import { delegateTask } from './delegate-task.js';
import { finishTask } from './finish-task.js';

const db = useDatabase();
const { started, claimOf, firstTask, running, specialist, reload } = db;

/** Orchestrators' tasks of the tenant that a worker finds due. */
async function dueOf(tenant: string): Promise<number> {
  const found = await findDueTenants(db.services.database, 'orchestrator', 500);
  return found.find((due) => due.tenant === tenant)?.tasks ?? 0;
}

const claimUpTo = (tenant: string, limit: number): Promise<Claim[]> =>
  claimDueTasks({ ...db.services, name: newId(), leaseMs: LEASE_MS }, { tenant, lane: 'orchestrator', limit });

describe('claims', () => {
  it('give a task to one of many workers, and start the investigation', async () => {
    const tenant = newId();
    const investigation = await started(tenant);
    const { id } = await firstTask(investigation);
    const claims = await Promise.all(Array.from({ length: 6 }, () => claimOf(tenant, id)));
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
    expect(await reload(investigation)).toMatchObject({ status: 'RUNNING', version: 2 });
    expect(await dueOf(tenant)).toBe(0);
  });

  it('of many workers at one moment are of different tasks, and together of all', async () => {
    const tenant = newId();
    const due: string[] = [];
    for (let n = 0; n < 6; n++) due.push((await firstTask(await started(tenant, newId()))).id);
    const claims = await Promise.all(Array.from({ length: 4 }, () => claimUpTo(tenant, 2)));
    // Rows that another one has locked are passed over, so a second look may be needed.
    const all = [...claims.flat(), ...(await claimUpTo(tenant, 6))].map(({ taskId }) => taskId);
    expect(all.sort()).toEqual(due.sort());
  });

  it('go to another worker after the end of the lease, with the next fence', async () => {
    const tenant = newId();
    const { id } = await firstTask(await started(tenant));
    const lost = await claimOf(tenant, id, 0);
    expect(await dueOf(tenant)).toBe(1);
    const next = await claimOf(tenant, id);
    expect(next?.fence).toBe((lost?.fence ?? 0) + 1);
  });

  it('let the loser write neither a step nor the result, nor prolong its lease', async () => {
    const tenant = newId();
    const investigation = await started(tenant);
    const { id } = await firstTask(investigation);
    const lost = (await claimOf(tenant, id, 0)) as Claim;
    await claimOf(tenant, id);
    await expect(recordStep(db.services.database, db.services.investigationLog, lost, step(1))).rejects.toBeInstanceOf(
      StaleClaimError,
    );
    expect(await finishTask(db.services, lost, { status: 'COMPLETED', result: VERDICT })).toBe(false);
    expect(await renewLease(db.services.database, lost, LEASE_MS)).toBe(false);
    expect(await releaseTask(db.services.database, lost, 0, true)).toBe(false);
    expect(await reload(investigation)).toMatchObject({ status: 'RUNNING', stepCount: 0, version: 2 });
    expect(await firstTask(investigation)).toMatchObject({ status: 'RUNNING', fence: 2 });
  });

  it('come back at once when a task is given back, and count only when they should', async () => {
    const tenant = newId();
    const { claim } = await running(tenant);
    expect(await releaseTask(db.services.database, claim, 0, false)).toBe(true);
    const again = await claimOf(tenant, claim.taskId);
    expect(again).toMatchObject({ fence: 2, attempts: 1 });
    await releaseTask(db.services.database, again as Claim, 0, true);
    expect(await claimOf(tenant, claim.taskId)).toMatchObject({ fence: 3, attempts: 2 });
  });

  it('that nobody began keep their place among those that are due, and their attempts', async () => {
    const tenant = newId();
    const older = await running(tenant);
    const newer = await running(tenant);
    await returnTask(db.services.database, newer.claim);
    await returnTask(db.services.database, older.claim);
    const [first, second] = [await claimUpTo(tenant, 1), await claimUpTo(tenant, 1)];
    expect([first[0], second[0]]).toMatchObject([
      { taskId: older.claim.taskId, attempts: 1, dueAt: older.claim.dueAt },
      { taskId: newer.claim.taskId, attempts: 1, dueAt: newer.claim.dueAt },
    ]);
  });

  it('are not made for a tenant that is being erased, and hold nobody else up', async () => {
    const [closed, open] = [newId(), newId()];
    const { id } = await firstTask(await started(closed));
    await started(open);
    await db.close(closed);
    await expect(claimOf(closed, id)).rejects.toMatchObject({ code: 'TENANT_ERASED' });
    expect([await dueOf(closed), await dueOf(open)]).toEqual([0, 1]);
  });

  it('are held as long as they are prolonged', async () => {
    const tenant = newId();
    const { id } = await firstTask(await started(tenant));
    const claim = (await claimOf(tenant, id, 0)) as Claim;
    expect(await renewLease(db.services.database, claim, LEASE_MS)).toBe(true);
    expect(await claimOf(tenant, id)).toBeUndefined();
  });
});

describe('delegating', () => {
  it('gives the recorded task to whoever asks again', async () => {
    const { investigation } = await running(newId());
    const tasks = await Promise.all(Array.from({ length: 5 }, () => specialist(investigation)));
    expect(new Set(tasks.map((task) => task.id)).size).toBe(1);
    expect((await specialist(investigation, 'another')).id).not.toBe(tasks[0]?.id);
  });

  it('gives the recorded result also after the investigation has ended, and starts nothing new then', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    const task = await specialist(investigation);
    await finishTask(db.services, claim, { status: 'COMPLETED', result: VERDICT });
    expect((await specialist(investigation)).id).toBe(task.id);
    const late = { investigationId: investigation.id, key: 'late', agent: 'endpoint', instruction: null };
    expect(
      (await delegateTask(db.services.database, db.services.recorder, orchestratorOf(investigation), late)).kind,
    ).toBe('finished');
  });

  it('is for the orchestrator of that very requester and investigation', async () => {
    const tenant = newId();
    const { investigation } = await running(tenant);
    const delegation = { investigationId: investigation.id, key: 'k', agent: 'endpoint', instruction: null };
    const as = (principal: Principal) =>
      delegateTask(db.services.database, db.services.recorder, principal, delegation);
    await expect(as(orchestratorOf(investigation, 'bob'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(as({ ...orchestratorOf(investigation), actor: 'agent:endpoint' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(as(orchestratorOf(await started(tenant))), "of ann's other investigation").rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    const { investigation: _, ...unbound } = orchestratorOf(investigation);
    await expect(as(unbound), 'of none').rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await as(orchestratorOf({ tenant: newId(), id: investigation.id }))).kind).toBe('missing');
  });

  it.each([
    ['input.agent', { agent: 'orchestrator', key: 'k' }],
    ['input.agent', { agent: 'nobody', key: 'k' }],
    ['input.key', { agent: 'endpoint', key: 'a b' }],
    ['input.key', { agent: 'endpoint', key: '' }],
  ])('names %s when it is wrong', async (field, wrong) => {
    const tenant = newId();
    const { investigation } = await running(tenant);
    const delegation = { investigationId: investigation.id, instruction: null, ...wrong };
    await expect(
      delegateTask(db.services.database, db.services.recorder, orchestratorOf(investigation), delegation),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field });
  });
});
