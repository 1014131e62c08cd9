import type { Principal, Scope } from '@aurorasoc/kit/auth';
import { newId } from '@aurorasoc/kit/ids';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StepReport, type Verdict, verdictSchema } from '../a2a/contract.js';
import { AGENT_SCOPES } from '../agent/agent-registry.js';
import { type Claim, claimTask, findDueTasks, releaseTask, renewLease, StaleClaimError } from '../task/claim-task.js';
import { delegateTask } from '../task/delegate-task.js';
import { finishTask } from '../task/finish-task.js';
import { AgentTask } from '../task/task.entity.js';
import { openServices, startSite, type TestSite } from '../testing/site.js';
import { cancelInvestigation } from './cancel-investigation.js';
import { Investigation } from './investigation.entity.js';
import { investigateOpenedAlerts } from './investigation-policy.js';
import { listInvestigationsOfAlerts, listSteps } from './list-investigations.js';
import { recordStep } from './record-step.js';
import { MAX_UNFINISHED, startInvestigation } from './start-investigation.js';

let site: TestSite;
let services: Awaited<ReturnType<typeof openServices>>;

beforeAll(async () => {
  site = await startSite();
  services = await openServices(site);
}, 60_000);
afterAll(async () => {
  await services?.database.close();
  await site?.stop();
});

const LEASE_MS = 60_000;
const ann = (tenant: string): Principal => ({ tenant, subject: 'ann', kind: 'user', scopes: ['agents:run'] });
const orchestratorOf = (tenant: string, subject = 'ann'): Principal => ({
  tenant,
  subject,
  kind: 'agent',
  scopes: ['agents:delegate'],
  actor: 'agent:orchestrator',
});

function start(tenant: string, alertId = newId()) {
  const request = {
    tenant,
    alertId,
    question: null,
    requester: { kind: 'user' as const, id: 'ann' },
    requesterScopes: AGENT_SCOPES as Scope[],
    now: new Date(),
  };
  return services.database.inTenant(tenant, (em) => startInvestigation(em, services, request));
}

async function started(tenant: string, alertId?: string): Promise<Investigation> {
  const outcome = await start(tenant, alertId);
  if (outcome.kind === 'limit') throw new Error('limit');
  return outcome.investigation;
}

async function claimOf(tenant: string, taskId: string, leaseMs = LEASE_MS): Promise<Claim | undefined> {
  return claimTask(services.database, services.investigationLog, { taskId, tenant }, 'spec', leaseMs);
}

async function firstTask(investigation: Investigation): Promise<AgentTask> {
  return services.database.inTenant(investigation.tenant, (em) =>
    em.findOneOrFail(AgentTask, { investigationId: investigation.id, key: 'orchestrator' }),
  );
}

async function running(tenant: string): Promise<{ investigation: Investigation; claim: Claim }> {
  const investigation = await started(tenant);
  const claim = await claimOf(tenant, (await firstTask(investigation)).id);
  if (!claim) throw new Error('not claimed');
  return { investigation, claim };
}

async function specialist(investigation: Investigation, key = 'endpoint'): Promise<AgentTask> {
  const outcome = await delegateTask(services.database, services.recorder, orchestratorOf(investigation.tenant), {
    investigationId: investigation.id,
    key,
    agent: 'endpoint',
    instruction: null,
  });
  if (outcome.kind !== 'task') throw new Error(outcome.kind);
  return outcome.task;
}

const reload = (investigation: Investigation): Promise<Investigation> =>
  services.database.inTenant(investigation.tenant, (em) => em.findOneOrFail(Investigation, { id: investigation.id }));
const step = (ordinal: number, title = `step ${ordinal}`): StepReport => ({
  ordinal,
  kind: 'FINDING',
  title,
  detail: null,
  citedEventIds: [newId()],
  tool: null,
  toolArguments: { query: 'a "b"' },
});
const VERDICT: Verdict = verdictSchema.parse({
  disposition: 'TRUE_POSITIVE',
  severity: 'HIGH',
  confidence: 0.7,
  summary: 's',
  claims: [],
  techniques: [],
  entities: [],
  timeline: [],
  nextSteps: [],
  couldNotCheck: [],
  isBudgetExhausted: false,
});

async function eventsOf(
  tenant: string,
  subject: string,
): Promise<{ type: string; version: number; data: Record<string, unknown> }[]> {
  const rows = (await services.database.inTenant(tenant, (em) =>
    em.execute(
      "select type, version, convert_from(body, 'UTF8') as body from agents.event where subject = ? order by seq",
      [subject],
    ),
  )) as { type: string; version: number; body: string }[];
  return rows.map(({ type, version, body }) => ({
    type,
    version,
    data: (JSON.parse(body) as { data: Record<string, unknown> }).data,
  }));
}

describe('starting an investigation', () => {
  it('writes investigation, task and both events in one transaction', async () => {
    const tenant = newId();
    const investigation = await started(tenant);
    const task = await firstTask(investigation);
    expect(await eventsOf(tenant, investigation.id)).toMatchObject([{ type: 'investigation.requested', version: 1 }]);
    expect(await eventsOf(tenant, task.id)).toMatchObject([
      { type: 'task.requested', version: 1, data: { agent: 'orchestrator' } },
    ]);
    expect(await findDueTasks(services.database, 'orchestrator', 500)).toContainEqual({ taskId: task.id, tenant });
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
    const failing = services.database.inTenant(tenant, async (em) => {
      await startInvestigation(em, services, request);
      throw new Error('after all');
    });
    await expect(failing).rejects.toThrow('after all');
    const counts = await services.database.inTenant(tenant, async (em) => [
      await em.count(Investigation),
      await em.count(AgentTask),
    ]);
    expect(counts).toEqual([0, 0]);
  });

  it('gives ten requests at once for one alert the same investigation', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const all = await Promise.all(Array.from({ length: 10 }, () => started(tenant, alertId)));
    expect(new Set(all.map((investigation) => investigation.id)).size).toBe(1);
    expect(await services.database.inTenant(tenant, (em) => em.count(AgentTask))).toBe(1);
  });

  it('starts another one once the first has ended, and for another tenant', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const first = await started(tenant, alertId);
    await cancelInvestigation(services, ann(tenant), first.id);
    expect((await started(tenant, alertId)).id).not.toBe(first.id);
    expect((await started(newId(), alertId)).id).not.toBe(first.id);
  });

  it('refuses a tenant that has too many unfinished ones', async () => {
    const tenant = newId();
    for (let count = 0; count < MAX_UNFINISHED; count++) await started(tenant);
    expect(await start(tenant)).toEqual({ kind: 'limit', unfinished: MAX_UNFINISHED });
  });

  it('is seen by its own tenant only, and by nobody without one', async () => {
    const tenant = newId();
    const investigation = await started(tenant);
    expect(
      await services.database.inTenant(newId(), (em) => em.findOne(Investigation, { id: investigation.id })),
    ).toBeNull();
    for (const table of ['investigation', 'investigation_step', 'task', 'event']) {
      expect(await services.database.execute(`select 1 as seen from agents.${table} limit 1`), table).toEqual([]);
    }
  });

  it('keeps the scopes of its requester', async () => {
    const { claim } = await running(newId());
    expect(claim).toMatchObject({ requesterId: 'ann', requesterScopes: [...AGENT_SCOPES] });
  });
});

describe('claims', () => {
  it('give a task to one of many workers, and start the investigation', async () => {
    const tenant = newId();
    const investigation = await started(tenant);
    const { id } = await firstTask(investigation);
    const claims = await Promise.all(Array.from({ length: 6 }, () => claimOf(tenant, id)));
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
    expect(await reload(investigation)).toMatchObject({ status: 'RUNNING', version: 2 });
    expect(await findDueTasks(services.database, 'orchestrator', 500)).not.toContainEqual({ taskId: id, tenant });
  });

  it('go to another worker after the end of the lease, with the next fence', async () => {
    const tenant = newId();
    const { id } = await firstTask(await started(tenant));
    const lost = await claimOf(tenant, id, 0);
    expect(await findDueTasks(services.database, 'orchestrator', 500)).toContainEqual({ taskId: id, tenant });
    const next = await claimOf(tenant, id);
    expect(next?.fence).toBe((lost?.fence ?? 0) + 1);
  });

  it('let the loser write neither a step nor the result, nor prolong its lease', async () => {
    const tenant = newId();
    const investigation = await started(tenant);
    const { id } = await firstTask(investigation);
    const lost = (await claimOf(tenant, id, 0)) as Claim;
    await claimOf(tenant, id);
    await expect(recordStep(services.database, services.investigationLog, lost, step(1))).rejects.toBeInstanceOf(
      StaleClaimError,
    );
    expect(await finishTask(services, lost, { status: 'COMPLETED', result: VERDICT })).toBe(false);
    expect(await renewLease(services.database, lost, LEASE_MS)).toBe(false);
    await releaseTask(services.database, lost, 0, true);
    expect(await reload(investigation)).toMatchObject({ status: 'RUNNING', stepCount: 0, version: 2 });
    expect(await firstTask(investigation)).toMatchObject({ status: 'RUNNING', fence: 2 });
  });

  it('come back at once when a task is given back, and count only when they should', async () => {
    const tenant = newId();
    const { claim } = await running(tenant);
    await releaseTask(services.database, claim, 0, false);
    const again = await claimOf(tenant, claim.taskId);
    expect(again).toMatchObject({ fence: 2, attempts: 1 });
    await releaseTask(services.database, again as Claim, 0, true);
    expect(await claimOf(tenant, claim.taskId)).toMatchObject({ fence: 3, attempts: 2 });
  });

  it('are held as long as they are prolonged', async () => {
    const tenant = newId();
    const { id } = await firstTask(await started(tenant));
    const claim = (await claimOf(tenant, id, 0)) as Claim;
    expect(await renewLease(services.database, claim, LEASE_MS)).toBe(true);
    expect(await claimOf(tenant, id)).toBeUndefined();
  });
});

describe('steps', () => {
  it('of two agents at once are numbered without a hole, and each raises the version by one', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    const other = (await claimOf(tenant, (await specialist(investigation)).id)) as Claim;
    const tell = async (who: Claim): Promise<void> => {
      for (let ordinal = 1; ordinal <= 10; ordinal++)
        await recordStep(services.database, services.investigationLog, who, step(ordinal));
    };
    await Promise.all([tell(claim), tell(other)]);
    const steps = await services.database.inTenant(tenant, (em) => listSteps(em, [investigation.id]));
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
    await recordStep(services.database, services.investigationLog, claim, step(1));
    expect(await recordStep(services.database, services.investigationLog, claim, step(1))).toBeUndefined();
    expect(await reload(investigation)).toMatchObject({ stepCount: 1, version: 3 });
  });

  it('of an investigation that has ended are refused', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    await cancelInvestigation(services, ann(tenant), investigation.id);
    await expect(recordStep(services.database, services.investigationLog, claim, step(1))).rejects.toBeInstanceOf(
      StaleClaimError,
    );
  });
});

describe('the end of an investigation', () => {
  it('comes with the verdict of the orchestrator, and ends every open task', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    const open = await specialist(investigation);
    expect(await finishTask(services, claim, { status: 'COMPLETED', result: VERDICT })).toBe(true);
    expect(await reload(investigation)).toMatchObject({ status: 'COMPLETED', verdict: VERDICT, version: 3 });
    expect((await eventsOf(tenant, investigation.id)).at(-1)).toMatchObject({
      type: 'investigation.completed',
      data: { disposition: 'TRUE_POSITIVE' },
    });
    expect((await eventsOf(tenant, open.id)).at(-1)).toMatchObject({
      type: 'task.completed',
      data: { status: 'CANCELLED' },
    });
    expect(
      await services.database.execute('select 1 as left from agents.task_queue where tenant = ?', [tenant]),
    ).toEqual([]);
  });

  it('does not come with the result of a specialist', async () => {
    const tenant = newId();
    const { investigation } = await running(tenant);
    const task = await specialist(investigation);
    const claim = (await claimOf(tenant, task.id)) as Claim;
    expect(await finishTask(services, claim, { status: 'COMPLETED', result: { any: 'thing' } })).toBe(true);
    expect(await reload(investigation)).toMatchObject({ status: 'RUNNING', version: 2 });
  });

  it.each([
    ['FAILED', { status: 'FAILED', failure: { code: 'AGENT_OUTPUT_INVALID', message: 'm' } }],
    ['BUDGET_EXHAUSTED', { status: 'FAILED', failure: { code: 'BUDGET_EXHAUSTED', message: 'm' } }],
    ['BUDGET_EXHAUSTED', { status: 'COMPLETED', result: { ...VERDICT, isBudgetExhausted: true } }],
  ] as const)('is %s as the outcome says', async (status, outcome) => {
    const { investigation, claim } = await running(newId());
    await finishTask(services, claim, outcome);
    expect((await reload(investigation)).status).toBe(status);
  });

  it('can be brought about by somebody, once', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    expect((await cancelInvestigation(services, ann(tenant), investigation.id)).kind).toBe('cancelled');
    expect((await cancelInvestigation(services, ann(tenant), investigation.id)).kind).toBe('cancelled');
    expect(await reload(investigation)).toMatchObject({ status: 'CANCELLED', version: 3 });
    expect(await finishTask(services, claim, { status: 'COMPLETED', result: VERDICT })).toBe(false);
    expect((await cancelInvestigation(services, ann(tenant), newId())).kind).toBe('missing');
    expect((await cancelInvestigation(services, ann(newId()), investigation.id)).kind, 'of another tenant').toBe(
      'missing',
    );
  });

  it('is not undone by a cancellation that comes later', async () => {
    const tenant = newId();
    const { investigation, claim } = await running(tenant);
    await finishTask(services, claim, { status: 'COMPLETED', result: VERDICT });
    expect((await cancelInvestigation(services, ann(tenant), investigation.id)).kind).toBe('finished');
    expect((await reload(investigation)).status).toBe('COMPLETED');
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
    await finishTask(services, claim, { status: 'COMPLETED', result: VERDICT });
    expect((await specialist(investigation)).id).toBe(task.id);
    const late = { investigationId: investigation.id, key: 'late', agent: 'endpoint', instruction: null };
    expect((await delegateTask(services.database, services.recorder, orchestratorOf(tenant), late)).kind).toBe(
      'finished',
    );
  });

  it('is for the orchestrator of that very requester', async () => {
    const tenant = newId();
    const { investigation } = await running(tenant);
    const delegation = { investigationId: investigation.id, key: 'k', agent: 'endpoint', instruction: null };
    const as = (principal: Principal) => delegateTask(services.database, services.recorder, principal, delegation);
    await expect(as(orchestratorOf(tenant, 'bob'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(as({ ...orchestratorOf(tenant), actor: 'agent:endpoint' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    expect((await as(orchestratorOf(newId()))).kind).toBe('missing');
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
      delegateTask(services.database, services.recorder, orchestratorOf(tenant), delegation),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field });
  });
});

describe('the investigation policy', () => {
  const entry = (tenant: string, alertId: string, severity: string, more: Record<string, string> = {}) => {
    const body = JSON.stringify({
      time: new Date().toISOString(),
      actor: { kind: 'service', id: 's' },
      data: { severity, title: 't' },
    });
    const fields = new Map(
      Object.entries({ id: newId(), type: 'alert.opened', subject: alertId, tenant, body, ...more }),
    );
    return { stream: 's', entryId: '1-0', messageId: fields.get('id') ?? '', tenant, fields };
  };
  const ofAlert = (tenant: string, alertId: string) =>
    services.database.inTenant(tenant, (em) => listInvestigationsOfAlerts(em, [alertId]));

  it('investigates alerts from its severity on, as a service, and knows their trace', async () => {
    const [tenant, severe, mild] = [newId(), newId(), newId()];
    const traceparent = '00-11111111111111111111111111111111-2222222222222222-01';
    const handle = investigateOpenedAlerts(services.database, services, 'HIGH');
    await handle([entry(tenant, severe, 'CRITICAL', { traceparent }), entry(tenant, mild, 'MEDIUM')]);
    expect(await ofAlert(tenant, severe)).toMatchObject([
      { requesterKind: 'service', requesterScopes: [...AGENT_SCOPES], alertTraceparent: traceparent },
    ]);
    expect(await ofAlert(tenant, mild)).toEqual([]);
  });

  it('handles a redelivered entry once, also when the first investigation has ended', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const handle = investigateOpenedAlerts(services.database, services, 'HIGH');
    const opened = entry(tenant, alertId, 'HIGH');
    await handle([opened]);
    const [first] = await ofAlert(tenant, alertId);
    await cancelInvestigation(services, ann(tenant), first?.id ?? '');
    await handle([opened]);
    expect(await ofAlert(tenant, alertId)).toHaveLength(1);
  });

  it('passes over other events, and buries what does not fit', async () => {
    const [tenant, alertId] = [newId(), newId()];
    const handle = investigateOpenedAlerts(services.database, services, 'LOW');
    await handle([entry(tenant, alertId, 'HIGH', { type: 'alert.updated' })]);
    expect(await ofAlert(tenant, alertId)).toEqual([]);
    await expect(handle([entry(tenant, alertId, 'URGENT')])).rejects.toMatchObject({ code: 'POISON_MESSAGE' });
    await expect(handle([entry(tenant, 'no uuid', 'HIGH')])).rejects.toMatchObject({ code: 'POISON_MESSAGE' });
  });

  it('does not forget an alert for which there is no room', async () => {
    const tenant = newId();
    for (let count = 0; count < MAX_UNFINISHED; count++) await started(tenant);
    const handle = investigateOpenedAlerts(services.database, services, 'HIGH');
    const opened = entry(tenant, newId(), 'HIGH');
    await expect(handle([opened])).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await services.database.inTenant(tenant, (em) =>
      em.execute("update agents.investigation set status = 'CANCELLED'"),
    );
    await handle([opened]);
    expect(await ofAlert(tenant, opened.fields.get('subject') ?? '')).toHaveLength(1);
  });
});
