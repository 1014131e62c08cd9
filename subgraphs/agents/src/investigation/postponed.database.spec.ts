import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type FinishServices, finishTask } from '../task/finish-task.js';
import { PATIENCE } from '../testing/investigations.js';
import { alertOpened, ann, useDatabase, VERDICT } from '../testing/use-cases.js';
import { cancelInvestigation } from './cancel-investigation.js';
import type { Investigation } from './investigation.entity.js';
import { investigateOpenedAlerts } from './investigation-policy.js';
import { listInvestigationsOfAlerts } from './list-investigations.js';
import { POLICY_GROUP } from './policy-request.js';
import { PostponedSweep } from './postponed-sweep.js';
import { MAX_UNFINISHED, requesterOf, startInvestigation } from './start-investigation.js';
import { countWaiting, findLongestWaiting, findWaitingTenants } from './waiting-line.js';

const db = useDatabase();
const { start, claimOf, firstTask, eventsOf } = db;

/** A tenant that has no room left. */
async function fullTenant(): Promise<{ tenant: string; unfinished: Investigation[] }> {
  const tenant = newId();
  const unfinished = await db.services.database.inTenant(tenant, async (em) => {
    const all: Investigation[] = [];
    while (all.length < MAX_UNFINISHED) {
      const request = { ...requesterOf(ann(tenant)), alertId: newId(), question: null, now: new Date() };
      const outcome = await startInvestigation(em, db.services, request);
      if (outcome.kind === 'started') all.push(outcome.investigation);
    }
    return all;
  });
  return { tenant, unfinished };
}

const openAlerts = (tenant: string, alertIds: readonly string[], more = {}): Promise<void> =>
  investigateOpenedAlerts(
    db.services.database,
    db.services,
    'HIGH',
  )(alertIds.map((id) => alertOpened(tenant, id, 'HIGH', more)));
const ofAlert = (tenant: string, alertId: string) =>
  db.services.database.inTenant(tenant, (em) => listInvestigationsOfAlerts(em, [alertId]));
const waiting = async (tenant: string) =>
  (await db.services.database.inTenant(tenant, (em) => findLongestWaiting(em, tenant, 500))).map(
    (alert) => alert.alertId,
  );

async function finish(investigation: Investigation, outcome: Parameters<typeof finishTask>[2]): Promise<void> {
  const claim = await claimOf(investigation.tenant, (await firstTask(investigation)).id);
  if (!claim) throw new Error('not claimed');
  expect(await finishTask(db.services, claim, outcome)).toBe(true);
}

const ENDS = {
  completed: (investigation: Investigation) => finish(investigation, { status: 'COMPLETED', result: VERDICT }),
  failed: (investigation: Investigation) =>
    finish(investigation, { status: 'FAILED', failure: { code: 'AGENT_LOST', message: 'm' } }),
  cancelled: (investigation: Investigation) =>
    cancelInvestigation(db.services, ann(investigation.tenant), investigation.id),
};

describe('an alert for which there is no room', () => {
  it('waits, and starts by itself, the oldest first, when an investigation is completed, failed or cancelled', async () => {
    const { tenant, unfinished } = await fullTenant();
    const alerts = [newId(), newId(), newId()];
    const traceparent = '00-11111111111111111111111111111111-2222222222222222-01';
    for (const alertId of alerts) await openAlerts(tenant, [alertId], { traceparent });
    expect(await waiting(tenant)).toEqual(alerts);
    expect(await start(tenant)).toEqual({ kind: 'limit', unfinished: MAX_UNFINISHED });

    for (const [index, [name, end]] of Object.entries(ENDS).entries()) {
      await end(unfinished[index] as Investigation);
      const [investigation] = await ofAlert(tenant, alerts[index] ?? '');
      expect(investigation, name).toMatchObject({
        status: 'PENDING',
        requesterKind: 'service',
        requesterId: POLICY_GROUP,
        alertTraceparent: traceparent,
      });
      expect(await eventsOf(tenant, investigation?.id ?? '')).toMatchObject([{ type: 'investigation.requested' }]);
      expect(await waiting(tenant), name).toEqual(alerts.slice(index + 1));
    }
  });

  it('waits once, whoever tells of it, and not at all when the transaction fails', async () => {
    const { tenant } = await fullTenant();
    const alertId = newId();
    await openAlerts(tenant, [alertId]);
    await openAlerts(tenant, [alertId]);
    expect(await waiting(tenant)).toEqual([alertId]);
    const broken = alertOpened(tenant, 'no uuid', 'HIGH');
    const handle = investigateOpenedAlerts(db.services.database, db.services, 'HIGH');
    await expect(handle([alertOpened(tenant, newId(), 'HIGH'), broken])).rejects.toMatchObject({
      code: 'POISON_MESSAGE',
    });
    expect(await waiting(tenant)).toEqual([alertId]);
  });

  it('keeps its place when the transaction in which it was to start is lost', async () => {
    const { tenant, unfinished } = await fullTenant();
    const [ending] = unfinished as [Investigation];
    const alertId = newId();
    await openAlerts(tenant, [alertId]);
    const claim = await claimOf(tenant, (await firstTask(ending)).id);
    if (!claim) throw new Error('not claimed');
    // As when the process is killed after everything was written and before it was committed.
    const database = new Proxy(db.services.database, {
      get: (target, name) =>
        name === 'inTenant'
          ? (of: string, work: (em: never) => Promise<unknown>) =>
              target.inTenant(of, async (em) => {
                await work(em as never);
                throw new Error('killed');
              })
          : Reflect.get(target, name),
    });
    const services: FinishServices = { ...db.services, database };
    await expect(finishTask(services, claim, { status: 'COMPLETED', result: VERDICT })).rejects.toThrow('killed');
    expect(await waiting(tenant)).toEqual([alertId]);
    expect(await ofAlert(tenant, alertId)).toEqual([]);
    await finishTask(db.services, claim, { status: 'COMPLETED', result: VERDICT });
    expect(await waiting(tenant)).toEqual([]);
    expect(await ofAlert(tenant, alertId)).toHaveLength(1);
  });

  it('is started once each when many investigations end at one moment', async () => {
    const { tenant, unfinished } = await fullTenant();
    const alerts = Array.from({ length: 8 }, newId);
    await openAlerts(tenant, alerts);
    await Promise.all(unfinished.slice(0, 8).map((investigation) => ENDS.cancelled(investigation)));
    const sweep = startSweep();
    await vi.waitFor(async () => expect(await waiting(tenant)).toEqual([]), PATIENCE);
    await sweep.stop();
    for (const alertId of alerts) expect(await ofAlert(tenant, alertId)).toHaveLength(1);
  });

  it('leaves the line when somebody investigates it', async () => {
    const { tenant, unfinished } = await fullTenant();
    const [first, second] = [newId(), newId()];
    await openAlerts(tenant, [first, second]);
    // Room that nobody gave away: as another tenant's, or a higher limit after an update.
    await db.services.database.inTenant(tenant, (em) =>
      em.execute("update agents.investigation set status = 'CANCELLED' where id = ?", [unfinished[0]?.id]),
    );
    expect((await start(tenant, second)).kind).toBe('started');
    expect(await waiting(tenant)).toEqual([first]);
  });

  it('is found by the sweep when room became free unseen, and counted until then', async () => {
    const { tenant } = await fullTenant();
    const alerts = Array.from({ length: 12 }, newId);
    await openAlerts(tenant, alerts);
    const before = await countWaiting(db.services.database);
    expect(before).toBeGreaterThanOrEqual(12);
    const sweep = startSweep();
    expect(await sweep.metrics()).toMatch(new RegExp(`aurora_agent_investigations_postponed\\{.*\\} ${before}\n`));
    await db.services.database.inTenant(tenant, (em) =>
      em.execute("update agents.investigation set status = 'CANCELLED'"),
    );
    await vi.waitFor(async () => expect(await waiting(tenant)).toEqual([]), PATIENCE);
    expect(await findWaitingTenants(db.services.database)).not.toContain(tenant);
    for (const alertId of alerts) expect(await ofAlert(tenant, alertId)).toHaveLength(1);
  });

  it('is started although those of a tenant before it never can be', async () => {
    const tenants = [(await fullTenant()).tenant, (await fullTenant()).tenant];
    for (const tenant of tenants) {
      await openAlerts(tenant, [newId()]);
      await db.services.database.inTenant(tenant, (em) =>
        em.execute("update agents.investigation set status = 'CANCELLED'"),
      );
    }
    let broken: string | undefined;
    const database = new Proxy(db.services.database, {
      get: (target, name) =>
        name === 'inTenant'
          ? async (of: string, work: never) => {
              // Earlier tests have left tenants that wait, too.
              if (tenants.includes(of)) broken ??= of;
              if (of === broken) throw new Error('broken');
              return target.inTenant(of, work);
            }
          : Reflect.get(target, name),
    });
    startSweep(database);
    const left = async () => (await findWaitingTenants(db.services.database)).filter((of) => tenants.includes(of));
    await vi.waitFor(async () => expect(await left()).toEqual([broken]), PATIENCE);
  });

  it('is seen by its own tenant only', async () => {
    const { tenant } = await fullTenant();
    await openAlerts(tenant, [newId()]);
    expect(await db.services.database.execute('select 1 as seen from agents.postponed_alert')).toEqual([]);
    const other = newId();
    expect(
      await db.services.database.inTenant(other, (em) => em.execute('select 1 as seen from agents.postponed_alert')),
    ).toEqual([]);
  });
});

function startSweep(database = db.services.database) {
  const health = new Health('agents');
  const sweep = new PostponedSweep({ ...db.services, database, health, everyMs: 20 });
  sweep.start();
  onTestFinished(() => sweep.stop());
  return { stop: () => sweep.stop(), metrics: () => health.metrics.metrics() };
}
