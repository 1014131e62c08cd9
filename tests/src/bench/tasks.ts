/**
 * Durable tasks against a queue in Redis alone: the product's task worker (claim with lease and fence, outcome, end as an event,
 * all committed in PostgreSQL), with a dispatcher that answers at once in the place of the one that calls agents, against BullMQ
 * with as many jobs at a time. The tasks stand ready when the clock starts. Then the whole path, from the commit of a request, which
 * is a transaction of its own, to its end at a reader of the results: how much of it comes through, and how late it is at half of
 * that.
 */
import { Queue, Worker } from 'bullmq';
import type { Client } from 'pg';
import { type GivenPostgres, Installation } from '../soak/streams/installation.js';
import { eventually } from '../support/wait.js';
import { type BenchOutcome, type Comparison, compare, judge, percentile, rateOf } from './compare.js';
import { TaskPath } from './tasks/task-path.js';
import { CONCURRENCY, startTaskSite, type TaskSite } from './tasks/task-site.js';

export interface TasksBenchSize {
  readonly rounds: number;
  /** Of each round. */
  readonly tasks: number;
  /** How long tasks are requested at full load, and then at half, milliseconds. */
  readonly pathMs: number;
}

export interface TasksBenchOutcome extends BenchOutcome, Pick<Comparison, 'ours' | 'peer'> {
  readonly pathP50Ms: number;
  readonly pathP99Ms: number;
  /** Tasks a second that come through the whole path at full load. */
  readonly pathPerSecond: number;
  /** Of the path's requests at half load. */
  readonly requestsPerSecond: number;
  /** Tasks whose end is stored, of as many as were given. */
  readonly ended: number;
  readonly given: number;
}

const FULL: TasksBenchSize = { rounds: 5, tasks: 1_000, pathMs: 15_000 };
const TARGET = { goal: 1.5, floor: 0.8 };
const PATH_P99_MS = 50;
/** Twice as many as tasks that are worked on at a time: there is always one more. */
const CLIENTS = 2 * CONCURRENCY;
const DATABASE = 'tasks_bench';

export async function benchTasks(
  size: TasksBenchSize = FULL,
  given?: GivenPostgres | undefined,
): Promise<TasksBenchOutcome> {
  const installation = await Installation.start({ given, durable: true });
  try {
    await installation.createDatabase(DATABASE, ['agents']);
    const admin = await installation.openAdmin(DATABASE);
    const site = await startTaskSite(installation, DATABASE);
    const queue = await openQueue(installation);
    const { ratio, ours, peer } = await compare(
      { name: 'task worker', round: () => taskRound(site, admin, size.tasks) },
      { name: 'BullMQ', round: () => jobRound(queue, installation.redisUrl, size.tasks) },
      size.rounds,
      'tasks',
    );
    const whole = new TaskPath(site, await installation.openRedis('results'));
    const pathPerSecond = await whole.saturate(CLIENTS, size.pathMs);
    const path = await whole.follow(pathPerSecond / 2, size.pathMs);
    await whole.stop();
    const tasks = (size.rounds + 1) * size.tasks + whole.requested;
    const ended = await countEnded(admin);
    const pathP99Ms = percentile(path.latencies, 0.99);
    const outcome = judge('tasks', ratio, TARGET, [
      { name: 'every task has its end', met: ended === tasks, seen: `${ended} of ${tasks}` },
      { name: 'no request of the path is refused', met: path.refused === 0, seen: `${path.refused} refused` },
      {
        name: 'every end of the path arrived, once',
        met: path.latencies.length === path.requested && path.repeated === 0,
        seen: `${path.latencies.length} of ${path.requested}, ${path.repeated} again`,
      },
      {
        name: `request to result at half load, p99 ≤ ${PATH_P99_MS} ms`,
        met: pathP99Ms <= PATH_P99_MS,
        seen: `${pathP99Ms} ms at ${Math.round(path.requestsPerSecond)} of ${Math.round(pathPerSecond)} tasks/s`,
      },
    ]);
    return {
      ...outcome,
      ours,
      peer,
      pathP50Ms: percentile(path.latencies, 0.5),
      pathP99Ms,
      pathPerSecond: Math.round(pathPerSecond),
      requestsPerSecond: Math.round(path.requestsPerSecond),
      ended,
      given: tasks,
    };
  } finally {
    await installation.stop();
    installation.remove();
  }
}

async function taskRound(site: TaskSite, admin: Client, tasks: number): Promise<number> {
  await site.seed(tasks);
  await admin.query('checkpoint');
  return rateOf(tasks, async () => {
    await site.worker.wake([]);
    await eventually(
      () => admin.query('select from agents.task_queue limit 1'),
      ({ rowCount }) => rowCount === 0,
      300_000,
    );
  });
}

async function countEnded(admin: Client): Promise<number> {
  const { rows } = await admin.query<{ count: string }>(
    `select count(*) from agents.task join agents.event on subject = task.id::text and type = 'task.completed'
     where status = 'COMPLETED' and result is not null and fence = 1`,
  );
  return Number(rows[0]?.count);
}

const QUEUE = 'bench';

async function openQueue(installation: Installation): Promise<Queue> {
  const queue = new Queue(QUEUE, { connection: { url: installation.redisUrl, maxRetriesPerRequest: null } });
  installation.onStop(() => queue.close());
  await queue.waitUntilReady();
  return queue;
}

async function jobRound(queue: Queue, redisUrl: string, jobs: number): Promise<number> {
  await queue.obliterate({ force: true });
  await queue.addBulk(Array.from({ length: jobs }, (_, n) => ({ name: 'task', data: { n } })));
  const worker = new Worker(QUEUE, async () => ({}), {
    connection: { url: redisUrl, maxRetriesPerRequest: null },
    concurrency: CONCURRENCY,
    autorun: false,
  });
  await worker.waitUntilReady();
  const rate = await rateOf(
    jobs,
    () =>
      new Promise<void>((resolve, reject) => {
        let completed = 0;
        worker.on('completed', () => {
          completed += 1;
          if (completed === jobs) resolve();
        });
        worker.on('failed', (_, error) => reject(error));
        worker.run().catch(reject);
      }),
  );
  await worker.close();
  return rate;
}
