import type { Principal } from '@aurorasoc/kit/auth';
import { describe, expect, it, vi } from 'vitest';
import { startInvestigation } from '../investigation/start-investigation.js';
import { startAgentsProcess } from '../testing/agents-process.js';
import { ALERT_ID, attackGraph } from '../testing/event-graph.js';
import {
  ann,
  hang,
  investigate,
  PATIENCE,
  read,
  SCOPES,
  TEST_TIMEOUT_MS,
  useSite,
  whenEnded,
} from '../testing/investigations.js';
import { claimDueTasks } from './claim-due-tasks.js';
import { AgentTask } from './task.entity.js';

vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });

const spec = useSite();
const { start, serve, taskOf } = spec;

describe('a worker that is lost', () => {
  it('leaves its task to another after the lease', async () => {
    const who = ann();
    const request = {
      tenant: who.tenant,
      alertId: ALERT_ID,
      question: null,
      requester: { kind: 'user' as const, id: 'ann' },
      requesterScopes: SCOPES,
      now: new Date(),
    };
    const outcome = await spec.services.database.inTenant(who.tenant, (em) =>
      startInvestigation(em, spec.services, request),
    );
    if (outcome.kind === 'limit') throw new Error('limit');
    const { id } = outcome.investigation;
    const [lost] = await claimDueTasks(
      { ...spec.services, name: 'lost', leaseMs: 1_000 },
      { tenant: who.tenant, lane: 'orchestrator', limit: 1 },
    );
    expect(lost?.fence).toBe(1);
    const process = await start();
    expect(await whenEnded(process, who, id)).toMatchObject({ status: 'COMPLETED' });
    expect(await taskOf(who, id)).toMatchObject({ fence: 2, status: 'COMPLETED' });
  });

  it('does not start a specialist twice when the orchestrator runs again', async () => {
    const process = await start();
    const who = ann();
    const id = await investigate(process, who);
    await whenEnded(process, who, id);
    const endpoint = await taskOf(who, id, 'endpoint');
    expect(endpoint.fence).toBe(1);
    // The orchestrator's task as if its worker had been lost just before the verdict was stored.
    await spec.services.database.inTenant(who.tenant, async (em) => {
      const task = await em.findOneOrFail(AgentTask, { investigationId: id, key: 'orchestrator' });
      await em.execute("update agents.investigation set status = 'RUNNING', verdict = null where id = ?", [id]);
      await em.execute("update agents.task set status = 'RUNNING', lease_until = now() where id = ?", [task.id]);
      await em.execute(
        "insert into agents.task_queue (task_id, tenant, lane, due_at) values (?, ?, 'orchestrator', now())",
        [task.id, who.tenant],
      );
    });
    const before = await read(process, who, id);
    const again = await whenEnded(process, who, id);
    expect(again.verdict?.disposition).toBe('TRUE_POSITIVE');
    expect(again.steps).toEqual(before.steps);
    expect((await taskOf(who, id, 'endpoint')).fence).toBe(1);
  });

  it('gives its tasks back when it is told to stop, and they keep their place', async () => {
    const process = await startAgentsProcess(spec.site, attackGraph(), {
      orchestrator: await serve('orchestrator', hang),
    });
    const who = ann();
    const id = await investigate(process, who);
    await vi.waitFor(async () => expect((await taskOf(who, id)).status).toBe('RUNNING'), PATIENCE);
    await process.stop();
    const task = await taskOf(who, id);
    expect(task).toMatchObject({ status: 'PENDING', attempts: 0, leaseUntil: null });
    const places = await spec.services.database.inTenant(who.tenant, (em) =>
      em.execute(
        `select task_queue.due_at <= task.started_at as "isKept"
         from agents.task_queue join agents.task on task.id = task_id where task_id = ?`,
        [task.id],
      ),
    );
    expect(places, 'due since before it was claimed').toEqual([{ isKept: true }]);
  });
});

describe('an agent that is away', () => {
  it('is shown as down, degrades nothing else, and gets its tasks when it is back', async () => {
    const process = await start({ orchestrator: 'http://127.0.0.1:1' });
    const who = ann();
    const states = async () => {
      const { data } = await process.query(who, '{ agents { name state reason } }');
      return Object.fromEntries(
        ((data?.agents ?? []) as { name: string; state: string }[]).map(({ name, state }) => [name, state]),
      );
    };
    await vi.waitFor(async () => expect(await states()).toEqual({ orchestrator: 'DOWN', endpoint: 'UP' }), PATIENCE);
    const id = await investigate(process, who);
    await vi.waitFor(
      async () => expect(await taskOf(who, id)).toMatchObject({ fence: 1, status: 'PENDING' }),
      PATIENCE,
    );
    process.pointAgents({});
    expect(await whenEnded(process, who, id)).toMatchObject({ status: 'COMPLETED' });
    expect((await taskOf(who, id)).attempts).toBe(1);
  });
});

describe('a subgraph without workers', () => {
  it('knows whether the agents answer, as it asks them itself', async () => {
    const process = await start({}, {}, { parts: 'subgraph' });
    await vi.waitFor(async () => {
      const { data } = await process.query(ann(), '{ agents { name state } }');
      expect(data?.agents).toEqual([
        { name: 'orchestrator', state: 'UP' },
        { name: 'endpoint', state: 'UP' },
      ]);
    }, PATIENCE);
  });
});

describe('how long an agent may be away', () => {
  /** An investigation that was requested 20 minutes ago, and has waited in the queue since. */
  async function queued(who: Principal): Promise<string> {
    const outcome = await spec.services.database.inTenant(who.tenant, (em) =>
      startInvestigation(em, spec.services, {
        tenant: who.tenant,
        alertId: ALERT_ID,
        question: null,
        requester: { kind: 'user', id: 'ann' },
        requesterScopes: SCOPES,
        now: new Date(Date.now() - 20 * 60_000),
      }),
    );
    if (outcome.kind === 'limit') throw new Error('limit');
    return outcome.investigation.id;
  }
  const backdate = (who: Principal, taskId: string) =>
    spec.services.database.inTenant(who.tenant, (em) =>
      em.execute("update agents.task set agent_away_since = now() - interval '11 minutes' where id = ?", [taskId]),
    );

  it('counts from when it was first found away for the task, however old the task is', async () => {
    const who = ann();
    const id = await queued(who);
    const process = await start({ orchestrator: 'http://127.0.0.1:1' });
    const task = await vi.waitFor(async () => {
      const found = await taskOf(who, id);
      expect(found.agentAwaySince).not.toBeNull();
      return found;
    }, PATIENCE);
    // Further failed calls do not move it.
    await vi.waitFor(async () => expect((await taskOf(who, id)).fence).toBeGreaterThan(task.fence + 1), PATIENCE);
    expect((await taskOf(who, id)).agentAwaySince).toEqual(task.agentAwaySince);
    expect(await read(process, who, id)).toMatchObject({ status: 'RUNNING', failure: null });
    await backdate(who, task.id);
    expect(await whenEnded(process, who, id)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'AGENT_UNAVAILABLE' },
    });
  });

  it('begins anew when it has answered', async () => {
    const who = ann();
    const id = await queued(who);
    await backdate(who, (await taskOf(who, id)).id);
    const orchestrator = await serve('orchestrator', async (run) => {
      run.tellStep({ kind: 'PLAN', title: 'here again' });
      return hang(run);
    });
    const process = await start({ orchestrator });
    await vi.waitFor(async () => expect((await taskOf(who, id)).agentAwaySince).toBeNull(), PATIENCE);
    expect(await read(process, who, id)).toMatchObject({ status: 'RUNNING' });
  });
});

describe('a cancelled investigation', () => {
  it('ends at once, and its agent notices', async () => {
    const noticed = Promise.withResolvers<void>();
    const orchestrator = await serve(
      'orchestrator',
      ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            noticed.resolve();
            reject(signal.reason);
          }),
        ),
    );
    // The worker hears of the cancellation when it prolongs the lease, which is every third of it.
    const process = await start({ orchestrator }, { TASK_LEASE_MS: '3000' });
    const who = ann();
    const id = await investigate(process, who);
    await vi.waitFor(async () => expect((await taskOf(who, id)).status).toBe('RUNNING'), PATIENCE);
    const { data } = await process.query(
      who,
      'mutation ($id: ID!) { cancelInvestigation(id: $id) { __typename ... on Investigation { status } } }',
      { id },
    );
    expect(data?.cancelInvestigation).toEqual({ __typename: 'Investigation', status: 'CANCELLED' });
    await noticed.promise;
    await vi.waitFor(
      async () =>
        expect(await (await fetch(process.metricsUrl)).text()).toMatch(
          /aurora_agent_results_unmatched_total\{.*\} [1-9]/,
        ),
      PATIENCE,
    );
  });
});
