/** The worker on a database of its own, with agents that answer as the test says. */
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PATIENCE } from '../testing/investigations.js';
import { LEASE_MS, useDatabase } from '../testing/use-cases.js';
import type { AgentAnswer, Dispatch } from './dispatch-agent.js';
import { AgentTask } from './task.entity.js';
import { createTaskMetrics } from './task-metrics.js';
import { TaskWorker } from './task-worker.js';

const db = useDatabase();

const NOTHING_FOUND = {
  findings: [],
  techniques: [],
  entities: [],
  timeline: [],
  couldNotCheck: [],
  isBudgetExhausted: false,
};
const ANSWER: AgentAnswer = { kind: 'result', data: NOTHING_FOUND };
const CONCURRENCY = 2;

function startWorker(dispatch: (call: Dispatch) => Promise<AgentAnswer>, leaseMs = LEASE_MS): TaskWorker {
  const worker = new TaskWorker({
    ...db.services,
    dispatcher: { dispatch },
    tokens: { forTask: async () => ({ fleet: '', gateway: '' }) } as never,
    // Only orchestrators' tasks ask the graph.
    graph: {} as never,
    metrics: createTaskMetrics(new Health('spec')),
    name: newId(),
    concurrency: { orchestrator: 1, specialist: CONCURRENCY },
    leaseMs,
  });
  worker.start();
  onTestFinished(() => worker.stop());
  return worker;
}

/** Never answers. */
const hang = ({ signal }: Dispatch): Promise<AgentAnswer> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** Tasks of specialists of one investigation, more than an investigation may delegate. */
async function requestTasks(count: number): Promise<{ tenant: string; specialists: () => Promise<AgentTask[]> }> {
  const tenant = newId();
  const { investigation } = await db.running(tenant);
  await db.specialist(investigation);
  // What is left of it is not the next test's; workers have stopped by then.
  onTestFinished(async () => {
    await db.services.database.execute('delete from agents.task_queue where tenant = ?', [tenant]);
  });
  await db.services.database.inTenant(tenant, (em) =>
    em.execute(
      `with requested as (
         insert into agents.task (id, tenant, version, investigation_id, key, agent, instruction, status, fence, attempts, requested_at)
         select gen_random_uuid(), tenant, 1, investigation_id, n, agent, instruction, 'PENDING', 0, 0, now()
         from agents.task, generate_series(2, ?::integer) n where key = 'endpoint' returning id, tenant)
       insert into agents.task_queue (task_id, tenant, lane, due_at) select id, tenant, 'specialist', now() from requested`,
      [count],
    ),
  );
  return {
    tenant,
    specialists: () =>
      db.services.database.inTenant(tenant, (em) =>
        em.find(AgentTask, { agent: 'endpoint' }, { orderBy: { id: 'asc' } }),
      ),
  };
}

/** Locks a row until the function that it gives is called, or the test ends. */
async function lockRow(tenant: string, table: string, id: string): Promise<() => Promise<void>> {
  const [locked, unlock] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holder = db.services.database.inTenant(tenant, async (em) => {
    await em.execute(`select from agents.${table} where id = ? for update`, [id]);
    locked.resolve();
    await unlock.promise;
  });
  onTestFinished(() => unlock.resolve());
  await Promise.race([locked.promise, holder]);
  return () => {
    unlock.resolve();
    return holder;
  };
}

const countOf = (tasks: readonly AgentTask[], status: string): number =>
  tasks.filter((task) => task.status === status).length;

describe('a worker whose agents answer at once', () => {
  it('ends every task once, and has no more agents at work than places', async () => {
    const { specialists } = await requestTasks(60);
    let atWork = 0;
    let most = 0;
    const worker = startWorker(async () => {
      most = Math.max(most, ++atWork);
      await new Promise((resolve) => setImmediate(resolve));
      atWork--;
      return ANSWER;
    });
    await worker.wake([]);
    await vi.waitFor(async () => expect(countOf(await specialists(), 'COMPLETED')).toBe(60), PATIENCE);
    expect(most).toBe(CONCURRENCY);
    for (const task of await specialists()) expect(task).toMatchObject({ fence: 1, attempts: 1, version: 2 });
  });

  it('gives back what it has claimed ahead when they become slow, and all of it when it is told to stop', async () => {
    const { specialists } = await requestTasks(40);
    let answered = 0;
    const worker = startWorker((call) => (answered++ < 20 ? Promise.resolve(ANSWER) : hang(call)));
    await worker.wake([]);
    await vi.waitFor(async () => {
      const tasks = await specialists();
      expect([countOf(tasks, 'COMPLETED'), countOf(tasks, 'RUNNING')]).toEqual([20, CONCURRENCY]);
      const waiting = tasks.filter((task) => task.status === 'PENDING');
      expect(waiting).toHaveLength(18);
      expect(
        waiting.some((task) => task.fence > 0),
        'some were claimed ahead',
      ).toBe(true);
      for (const task of waiting) expect(task).toMatchObject({ attempts: 0, leaseUntil: null });
    }, PATIENCE);
    await worker.stop();
    const tasks = await specialists();
    expect([countOf(tasks, 'COMPLETED'), countOf(tasks, 'PENDING')]).toEqual([20, 20]);
  });
});

describe('a worker that is told to stop while its sweep gives tasks back', () => {
  it('waits for that', async () => {
    const { tenant, specialists } = await requestTasks(40);
    const begun = new Set<string>();
    const unbegun = async (): Promise<AgentTask[]> =>
      (await specialists()).filter((task) => task.status === 'RUNNING' && !begun.has(task.id));
    let unlock = async (): Promise<void> => undefined;
    const held = Promise.withResolvers<string>();
    const worker = startWorker(async (call) => {
      begun.add(call.order.taskId);
      if (begun.size <= 20) return ANSWER;
      if (begun.size === 21) {
        const id = (await unbegun()).at(-1)?.id ?? '';
        unlock = await lockRow(tenant, 'task', id);
        held.resolve(id);
      }
      return hang(call);
    });
    await worker.wake([]);
    const id = await held.promise;
    // The sweep has given back all that it claimed ahead but the one that is locked, and waits for it.
    await vi.waitFor(async () => expect((await unbegun()).map((task) => task.id)).toEqual([id]), PATIENCE);
    const whenStopped = worker.stop().then(specialists);
    await vi.waitFor(async () => expect(countOf(await specialists(), 'RUNNING')).toBe(1), PATIENCE);
    await unlock();
    expect(countOf(await whenStopped, 'PENDING')).toBe(20);
  });
});

describe('a worker whose end of a task has to wait', () => {
  it('prolongs the lease until it is stored', async () => {
    const tenant = newId();
    const investigation = await db.started(tenant);
    const leaseMs = 1_500;
    let unlock = async (): Promise<void> => undefined;
    const worker = startWorker(async () => {
      // Who ends an investigation locks it; who prolongs a lease does not.
      unlock = await lockRow(tenant, 'investigation', investigation.id);
      return { kind: 'failure', failure: { code: 'NOTHING', message: 'Nothing came of it.' } };
    }, leaseMs);
    await worker.wake([]);
    const leaseUntil = async (): Promise<number> =>
      (await db.firstTask(investigation)).leaseUntil?.getTime() ?? Number.NaN;
    const first = await leaseUntil();
    await vi.waitFor(async () => expect((await leaseUntil()) - first).toBeGreaterThan(leaseMs), PATIENCE);
    await unlock();
    await vi.waitFor(
      async () => expect(await db.firstTask(investigation)).toMatchObject({ status: 'FAILED', fence: 1 }),
      PATIENCE,
    );
  });
});

describe('a worker that was held up for most of a lease', () => {
  it('gives back what it has claimed and not begun, and asks no agent about it', async () => {
    const { specialists } = await requestTasks(30);
    const leaseMs = 2_000;
    const begun = new Map<string, number | undefined>();
    let answered = 0;
    const worker = startWorker(async ({ order }) => {
      begun.set(order.taskId, order.fence);
      // The whole process stands still, as on a machine that is put to sleep: no timer runs.
      if (++answered === 20) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs * 0.6);
      return ANSWER;
    }, leaseMs);
    await worker.wake([]);
    await vi.waitFor(async () => expect(countOf(await specialists(), 'COMPLETED')).toBe(30), PATIENCE);
    const tasks = await specialists();
    expect(
      tasks.some((task) => task.fence > 1),
      'some were given back',
    ).toBe(true);
    for (const task of tasks) expect([task.fence, task.attempts]).toEqual([begun.get(task.id), 1]);
  });
});

describe('a worker whose agents take their time', () => {
  it('claims no more tasks than it has places for', async () => {
    const { specialists } = await requestTasks(10);
    const worker = startWorker(hang);
    await worker.wake([]);
    await worker.wake([]);
    const tasks = await specialists();
    expect([countOf(tasks, 'RUNNING'), countOf(tasks, 'PENDING')]).toEqual([CONCURRENCY, 8]);
  });
});
