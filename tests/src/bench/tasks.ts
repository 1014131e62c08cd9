/**
 * Durable tasks against a queue in Redis alone: the product's task worker (claim with lease and fence, outcome, end as an event,
 * all committed in PostgreSQL), with a dispatcher that answers at once in the place of the one that calls agents, against BullMQ
 * with as many jobs at a time. The tasks stand ready when the clock starts. Then the whole path at half of that rate: from the
 * commit of a request to its end at a reader of the results.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { RESULT_STREAM } from '@aurorasoc/agents/tasks';
import type { Redis } from '@aurorasoc/kit/streams';
import { Queue, Worker } from 'bullmq';
import type { Client } from 'pg';
import { type GivenPostgres, Installation } from '../soak/streams/installation.js';
import { eventually } from '../support/wait.js';
import { type BenchOutcome, type Comparison, compare, judge, percentile, rateOf } from './compare.js';
import { CONCURRENCY, startTaskSite, type TaskSite } from './tasks/task-site.js';

export interface TasksBenchSize {
  readonly rounds: number;
  /** Of each round. */
  readonly tasks: number;
  /** How long tasks are requested at half load, milliseconds. */
  readonly halfLoadMs: number;
}

export interface TasksBenchOutcome extends BenchOutcome, Pick<Comparison, 'ours' | 'peer'> {
  readonly pathP50Ms: number;
  readonly pathP99Ms: number;
  /** Of the path's requests. */
  readonly requestsPerSecond: number;
  /** Tasks whose end is stored, of as many as were given. */
  readonly ended: number;
  readonly given: number;
}

const FULL: TasksBenchSize = { rounds: 5, tasks: 1_000, halfLoadMs: 15_000 };
const TARGET = { goal: 1.5, floor: 0.8 };
const PATH_P99_MS = 50;
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
    const path = await followPath(site, await installation.openRedis('results'), ours / 2, size.halfLoadMs);
    const tasks = (size.rounds + 1) * size.tasks + path.requested;
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
        seen: `${pathP99Ms} ms at ${Math.round(path.requestsPerSecond)} tasks/s`,
      },
    ]);
    return {
      ...outcome,
      ours,
      peer,
      pathP50Ms: percentile(path.latencies, 0.5),
      pathP99Ms,
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

interface Path {
  /** Whose commit was told. */
  readonly requested: number;
  readonly refused: number;
  readonly requestsPerSecond: number;
  /** From the commit of a request to its end at the reader, milliseconds. */
  readonly latencies: readonly number[];
  /** Ends that arrived more than once. */
  readonly repeated: number;
}

/** Requests so many tasks a second, whatever becomes of them. */
async function followPath(site: TaskSite, reader: Redis, perSecond: number, forMs: number): Promise<Path> {
  const requestedAt = new Map<string, number>();
  const endedAt = new Map<string, number>();
  let repeated = 0;
  let isOver = false;
  const reading = readResults(
    reader,
    () => isOver,
    (task) => {
      if (endedAt.has(task)) repeated += 1;
      endedAt.set(task, performance.now());
    },
  );
  const began = performance.now();
  const requests: Promise<void>[] = [];
  let refused = 0;
  const note = (): Promise<void> =>
    site.request().then(
      ({ id, committingAt }) => void requestedAt.set(id, committingAt),
      () => {
        // As by a database that is too busy.
        refused += 1;
      },
    );
  for (let at = began; at < began + forMs; at += 1_000 / perSecond) {
    await wait(Math.max(0, at - performance.now()));
    requests.push(note());
  }
  await Promise.all(requests);
  const requestsPerSecond = requests.length / ((performance.now() - began) / 1_000);
  await eventually(
    () => [...requestedAt.keys()].filter((id) => !endedAt.has(id)).length,
    (missing) => missing === 0,
    60_000,
  ).catch(() => undefined);
  isOver = true;
  await reading;
  const latencies = [...requestedAt].flatMap(([id, at]) => {
    const ended = endedAt.get(id);
    return ended === undefined ? [] : [ended - at];
  });
  return { requested: requestedAt.size, refused, requestsPerSecond, latencies, repeated };
}

/** As every replica reads the results: without a group, from now on. */
async function readResults(reader: Redis, isOver: () => boolean, onResult: (task: string) => void): Promise<void> {
  const info = (await reader.xrevrange(RESULT_STREAM, '+', '-', 'COUNT', 1)) as [string, string[]][];
  for (let after = info[0]?.[0] ?? '0-0'; !isOver(); ) {
    const reply = (await reader.xread('COUNT', 500, 'BLOCK', 200, 'STREAMS', RESULT_STREAM, after)) as
      | [string, [string, string[]][]][]
      | null;
    for (const [id, fields] of reply?.[0]?.[1] ?? []) {
      after = id;
      onResult(fields[fields.indexOf('subject') + 1] ?? '');
    }
  }
}
