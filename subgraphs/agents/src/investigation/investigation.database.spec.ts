import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it } from 'vitest';
import { AGENT_SCOPES } from '../agent/agent-registry.js';
import { findDueTenants } from '../task/claim-due-tasks.js';
import { type Claim, StaleClaimError } from '../task/claim-task.js';
import { finishTask } from '../task/finish-task.js';
import { AgentTask } from '../task/task.entity.js';
import { ann, step, useDatabase, VERDICT } from '../testing/use-cases.js';
import { cancelInvestigation } from './cancel-investigation.js';
import { Investigation } from './investigation.entity.js';
import { listSteps } from './list-investigations.js';
import { recordStep } from './record-step.js';
import { MAX_UNFINISHED, startInvestigation } from './start-investigation.js';

const db = useDatabase();
const { start, started, claimOf, firstTask, running, specialist, reload, eventsOf } = db;

describe('starting an investigation', () => {
  it('writes investigation, task and both events in one transaction', async () => {
    const tenant = newId();
    const investigation = await started(tenant);
    const task = await firstTask(investigation);
    expect(await eventsOf(tenant, investigation.id)).toMatchObject([{ type: 'investigation.requested', version: 1 }]);
    expect(await eventsOf(tenant, task.id)).toMatchObject([
      { type: 'task.requested', version: 1, data: { agent: 'orchestrator' } },
    ]);
    expect(await findDueTenants(db.services.database, 'orchestrator', 500)).toContainEqual({ tenant, tasks: 1 });
  });

  it('leaves nothing when the transaction fails', async () => {
    const tenant = newId();
    const request = {
      tenant,
      alertId: newId(),
      question: null,
      requester: { kind: 'user' as const, id: 'ann' },
      requesterScopes: [],
      now: new Date(),
    };
    const failing = db.services.database.inTenant(tenant, async (em) => {
      await startInvestigation(em, db.services, request);
      throw new Error('after all');
    });
    await expect(failing).rejects.toThrow('after all');
    const counts = await db.services.database.inTenant(tenant, async (em) => [
      await em.count(Investigation),
      await em.count(AgentTask),
    ]);
    expect(counts).toEqual([0, 0]);
  });

  it('gives ten requests at once for one alert the same investigation', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const all = await Promise.all(Array.from({ length: 10 }, () => started(tenant, alertId)));
    expect(new Set(all.map((investigation) => investigation.id)).size).toBe(1);
    expect(await db.services.database.inTenant(tenant, (em) => em.count(AgentTask))).toBe(1);
  });

  it('starts another one once the first has ended, and for another tenant', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const first = await started(tenant, alertId);
    await cancelInvestigation(db.services, ann(tenant), first.id);
    expect((await started(tenant, alertId)).id).not.toBe(first.id);
    expect((await started(newId(), alertId)).id).not.toBe(first.id);
  });

  it('refuses a tenant that has too many unfinished ones', async () => {
    const tenant = newId();
    for (let count = 0; count < MAX_UNFINISHED; count++) await started(tenant);
    expect(await start(tenant)).toEqual({ kind: 'limit', unfinished: MAX_UNFINISHED });
  });

  it('never starts more than there is room for, however many ask at one moment', async () => {
    const tenant = newId();
    await db.services.database.inTenant(tenant, async (em) => {
      for (let count = 0; count < MAX_UNFINISHED - 2; count++)
        await startInvestigation(em, db.services, {
          tenant,
          alertId: newId(),
          question: null,
          requester: { kind: 'user', id: 'ann' },
          requesterScopes: [],
          now: new Date(),
        });
    });
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => start(tenant)));
    expect(outcomes.filter(({ kind }) => kind === 'started')).toHaveLength(2);
    expect(outcomes.filter(({ kind }) => kind === 'limit')).toHaveLength(10);
  });

  it('is seen by its own tenant only, and by nobody without one', async () => {
    const tenant = newId();
    const investigation = await started(tenant);
    expect(
      await db.services.database.inTenant(newId(), (em) => em.findOne(Investigation, { id: investigation.id })),
    ).toBeNull();
    for (const table of ['investigation', 'investigation_step', 'task', 'event']) {
      expect(await db.services.database.execute(`select 1 as seen from agents.${table} limit 1`), table).toEqual([]);
    }
  });

  it('keeps the scopes of its requester', async () => {
    const { claim } = await running(newId());
    expect(claim).toMatchObject({ requesterId: 'ann', requesterScopes: [...AGENT_SCOPES] });
  });
});

describe('steps', () => {
  it('of two agents at once are numbered without a hole, and each raises the version by one', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    const other = (await claimOf(tenant, (await specialist(investigation)).id)) as Claim;
    const tell = async (who: Claim): Promise<void> => {
      for (let ordinal = 1; ordinal <= 10; ordinal++)
        await recordStep(db.services.database, db.services.investigationLog, who, step(ordinal));
    };
    await Promise.all([tell(claim), tell(other)]);
    const steps = await db.services.database.inTenant(tenant, (em) => listSteps(em, [investigation.id]));
    expect(steps.map((recorded) => recorded.ordinal)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    const own = steps.filter((recorded) => recorded.taskId === claim.taskId).map((recorded) => recorded.taskOrdinal);
    expect(own).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const events = await eventsOf(tenant, investigation.id);
    expect(events.map((event) => event.version)).toEqual(Array.from({ length: 22 }, (_, index) => index + 1));
    expect(events.slice(2).map((event) => (event.data.step as { ordinal: number }).ordinal)).toEqual(
      steps.map((recorded) => recorded.ordinal),
    );
  });

  it('that a repeated run tells again are kept once', async () => {
    const { investigation, claim } = await running(newId());
    await recordStep(db.services.database, db.services.investigationLog, claim, step(1));
    expect(await recordStep(db.services.database, db.services.investigationLog, claim, step(1))).toBeUndefined();
    expect(await reload(investigation)).toMatchObject({ stepCount: 1, version: 3 });
  });

  it('of an investigation that has ended are refused', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    await cancelInvestigation(db.services, ann(tenant), investigation.id);
    await expect(recordStep(db.services.database, db.services.investigationLog, claim, step(1))).rejects.toBeInstanceOf(
      StaleClaimError,
    );
  });
});

describe('the end of an investigation', () => {
  it('tells other domains of 20 entities at most, each cut to 200 characters', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    const entities = Array.from({ length: 25 }, () => ({
      type: 'FILE' as const,
      value: `${'x'.repeat(199)}\u{1f600}`,
    }));
    await finishTask(db.services, claim, { status: 'COMPLETED', result: { ...VERDICT, entities } });
    const told = (await eventsOf(tenant, investigation.id)).at(-1);
    expect(told).toMatchObject({
      data: { verdict: { entities: Array(20).fill({ type: 'FILE', value: 'x'.repeat(199) }) } },
    });
  });

  it('comes with the verdict of the orchestrator, and ends every open task', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    const open = await specialist(investigation);
    expect(await finishTask(db.services, claim, { status: 'COMPLETED', result: VERDICT })).toBe(true);
    expect(await reload(investigation)).toMatchObject({ status: 'COMPLETED', verdict: VERDICT, version: 3 });
    expect((await eventsOf(tenant, investigation.id)).at(-1)).toMatchObject({
      type: 'investigation.completed',
      data: { disposition: 'TRUE_POSITIVE', verdict: { disposition: 'TRUE_POSITIVE', summary: VERDICT.summary } },
    });
    expect((await eventsOf(tenant, open.id)).at(-1)).toMatchObject({
      type: 'task.completed',
      data: { status: 'CANCELLED' },
    });
    expect(
      await db.services.database.execute('select 1 as left from agents.task_queue where tenant = ?', [tenant]),
    ).toEqual([]);
  });

  it('does not come with the result of a specialist', async () => {
    const tenant = newId();
    const { investigation } = await running(tenant);
    const task = await specialist(investigation);
    const claim = (await claimOf(tenant, task.id)) as Claim;
    expect(await finishTask(db.services, claim, { status: 'COMPLETED', result: { any: 'thing' } })).toBe(true);
    expect(await reload(investigation)).toMatchObject({ status: 'RUNNING', version: 2 });
  });

  it.each([
    ['FAILED', { status: 'FAILED', failure: { code: 'AGENT_OUTPUT_INVALID', message: 'm' } }],
    ['BUDGET_EXHAUSTED', { status: 'FAILED', failure: { code: 'BUDGET_EXHAUSTED', message: 'm' } }],
    ['BUDGET_EXHAUSTED', { status: 'COMPLETED', result: { ...VERDICT, isBudgetExhausted: true } }],
  ] as const)('is %s as the outcome says', async (status, outcome) => {
    const { investigation, claim } = await running(newId());
    await finishTask(db.services, claim, outcome);
    expect((await reload(investigation)).status).toBe(status);
  });

  it('can be brought about by somebody, once', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    expect((await cancelInvestigation(db.services, ann(tenant), investigation.id)).kind).toBe('cancelled');
    expect((await cancelInvestigation(db.services, ann(tenant), investigation.id)).kind).toBe('cancelled');
    expect(await reload(investigation)).toMatchObject({ status: 'CANCELLED', version: 3 });
    expect(await finishTask(db.services, claim, { status: 'COMPLETED', result: VERDICT })).toBe(false);
    expect((await cancelInvestigation(db.services, ann(tenant), newId())).kind).toBe('missing');
    expect((await cancelInvestigation(db.services, ann(newId()), investigation.id)).kind, 'of another tenant').toBe(
      'missing',
    );
  });

  it('is not undone by a cancellation that comes later', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    await finishTask(db.services, claim, { status: 'COMPLETED', result: VERDICT });
    expect((await cancelInvestigation(db.services, ann(tenant), investigation.id)).kind).toBe('finished');
    expect((await reload(investigation)).status).toBe('COMPLETED');
  });
});
