/**
 * The machinery under the domains, proved by what goes in and what comes out: the event log under concurrent writers, tasks with
 * effects outside while workers, Redis and connections die, a wiped Redis, and a poisonous entry. Everything that is started is
 * the product's own, in processes of their own; clients and the outside target write down what they see.
 */
import { startTelemetry } from '@aurorasoc/kit/telemetry';
import { seededRandom } from '../support/random.js';
import { eventually } from '../support/wait.js';
import { type Check, check, deadline, inSeconds, say } from './check.js';
import { checkTasks } from './streams/check-tasks.js';
import { OutcomeListener } from './streams/clients.js';
import { type EventLogLoad, runEventLog } from './streams/event-log.js';
import { type GivenPostgres, Installation } from './streams/installation.js';
import { countUnfinished, whenReading } from './streams/pending.js';
import { runPoison } from './streams/poison.js';
import {
  blockable,
  blockWorker,
  type StallOutcome,
  type Stalls,
  stopWorker,
  TASKS_PER_WORKER,
} from './streams/stalled-worker.js';
import { runTasks, type TaskFaults, underFire } from './streams/tasks.js';
import { runWipes, type WipeScene } from './streams/wiped-redis.js';

export interface StreamsSoakOptions {
  readonly seed: number;
  /** @default {@link FULL} */
  readonly size?: StreamsSoakSize;
  /** A PostgreSQL to use. @default one of its own */
  readonly postgres?: GivenPostgres;
}

export interface StreamsSoakSize {
  /** Undefined: this part is left out. */
  readonly eventLog?: EventLogLoad;
  readonly tasks: number;
  readonly tenants: number;
  readonly workers: number;
  readonly leaseMs: number;
  /** From an order to its effect at the outside target, milliseconds. */
  readonly effectMs: number;
  readonly faults: Omit<TaskFaults, 'overMs'>;
  readonly stalls: Stalls;
  /** Alerts that are opened while Redis is wiped; undefined: this part is left out. */
  readonly wipedAlerts?: number;
}

export const FULL = {
  eventLog: { events: 100_000, writers: 50, maxPauseMs: 60, atRest: 300 },
  tasks: 10_000,
  tenants: 100,
  workers: 4,
  leaseMs: 30_000,
  effectMs: 10,
  faults: { kills: Number.POSITIVE_INFINITY, redisRestarts: 3, postgresCuts: 5 },
  stalls: { stoppedMs: 60_000, blockedMs: 40_000 },
  wipedAlerts: 1_500,
} as const satisfies StreamsSoakSize;

export interface StreamsSoakOutcome {
  readonly name: 'streams';
  readonly seed: number;
  readonly met: boolean;
  readonly passed: number;
  readonly total: number;
  readonly checks: readonly Check[];
  readonly seconds: number;
}

const DATABASE = 'streams_soak';

export async function soakStreams({ seed, size = FULL, postgres }: StreamsSoakOptions): Promise<StreamsSoakOutcome> {
  const began = Date.now();
  // Alerts tell the trace that opened them, as the product's do.
  const telemetry = startTelemetry('soak', undefined);
  const installation = await Installation.start({ given: postgres, leaseMs: size.leaseMs, effectMs: size.effectMs });
  let checks: Check[] = [];
  try {
    await installation.createDatabase(DATABASE, ['alerts', 'agents', 'memory']);
    const site = await startRoles(installation, size);
    checks = [
      ...(size.eventLog === undefined ? [] : await proveEventLog(installation, seed, size.eventLog)),
      ...(await proveTasks(site, seed, size)),
      check(
        'no process of the product ended by itself',
        installation.crashes().length === 0,
        installation.crashes().join(),
      ),
    ];
  } finally {
    await installation.stop();
    await telemetry.shutdown();
    const isClean = checks.length > 0 && checks.every(({ met }) => met);
    if (isClean) installation.remove();
    else console.log(`What was seen is in ${installation.folder}`);
  }
  const passed = checks.filter(({ met }) => met).length;
  const seconds = Math.round((Date.now() - began) / 1_000);
  return { name: 'streams', seed, met: passed === checks.length, passed, total: checks.length, checks, seconds };
}

async function proveEventLog(installation: Installation, seed: number, load: EventLogLoad): Promise<Check[]> {
  const log = await runEventLog(installation, DATABASE, seededRandom(seed), load);
  const facts = `${log.committed} events at ${log.eventsPerSecond}/s, ${log.rolledBack} rolled back`;
  return [
    check('events: dense positions, versions in order', log.problems.length === 0, log.problems.join('; ') || facts),
    deadline('events: commit to stream at rest, p99 ≤ 15 ms', log.atRestP99Ms <= 15, `${log.atRestP99Ms} ms`),
    deadline(
      'events: commit to stream under load, p99 < 250 ms, beside an open transaction',
      log.underLoadP99Ms < 250,
      `${log.underLoadP99Ms} ms`,
    ),
  ];
}

async function startRoles(installation: Installation, size: StreamsSoakSize): Promise<WipeScene> {
  const redis = await installation.openRedis('soak');
  const alerts = await installation.openDomain(DATABASE, 'alerts', 4);
  const listener = new OutcomeListener(await installation.openRedis('outcomes'), installation.clients);
  // It publishes the events of the first part, and remembers in the last one.
  const memory =
    size.eventLog === undefined && size.wipedAlerts === undefined
      ? undefined
      : installation.startRole('memory-worker', 'memory-worker-1', DATABASE);
  installation.startRole('alerts-worker', 'alerts-worker-1', DATABASE);
  const workers = Array.from({ length: size.workers }, (_, n) =>
    installation.startRole('agents-worker', `agents-worker-${n + 1}`, DATABASE, {
      // The outside agent answers at once, so processors are what tasks wait for: with more at a time each only takes longer.
      ORCHESTRATOR_CONCURRENCY: String(TASKS_PER_WORKER),
      // Tells when something of a lost claim is dropped.
      LOG_LEVEL: 'info',
      ...blockable(size.stalls),
    }),
  );
  await whenReading(redis, 'aurora:agents:tasks', 'agent-task-worker', size.workers);
  return { installation, database: DATABASE, alerts, redis, listener, workers, memory };
}

async function proveTasks(scene: WipeScene, seed: number, size: StreamsSoakSize): Promise<Check[]> {
  const { installation, listener, redis } = scene;
  const admin = await installation.openAdmin(DATABASE);
  listener.start();
  try {
    const load = { tasks: size.tasks, tenants: size.tenants };
    // A first few, so that no run pays for first connections.
    await runTasks(scene, { tasks: size.workers, tenants: 1 });
    const quiet = await runTasks(scene, load);
    say(`in peace: ${size.tasks} tasks in ${inSeconds(quiet.tookMs)}`);
    const stalled = await proveStalls(scene, size);
    const fire = await underFire(scene, seededRandom(seed), { ...size.faults, overMs: quiet.tookMs }, (failed) =>
      runTasks(scene, load, failed),
    );
    const faults = `${fire.kills} kills, ${fire.redisRestarts} Redis restarts, ${fire.postgresCuts} cuts of PostgreSQL`;
    say(`under fire: ${size.tasks} tasks in ${inSeconds(fire.result.tookMs)} with ${faults}`);
    const unfinished = await eventually(
      () => countUnfinished(redis, admin),
      ({ total }) => total === 0,
      size.leaseMs + 60_000,
    ).catch(() => countUnfinished(redis, admin));

    const opened = [...quiet.opened, ...fire.result.opened];
    const seen = checkTasks(opened, installation.clients.read(), installation.outside.read());
    const factor = fire.result.tookMs / quiet.tookMs;
    const checks = [
      check('tasks: none lost', seen.lost.length === 0, `${seen.lost.length} of ${opened.length}; ${faults}`),
      check('tasks: no effect twice at the outside target', seen.doubled.length === 0, `${seen.doubled.length}`),
      // Else nobody was killed between an order and the task's end, and the run shows nothing.
      check('tasks: orders were repeated', seen.repeatedOrders > 0, `${seen.repeatedOrders}`),
      check('tasks: each ends once', seen.endedTwice.length === 0, `${seen.endedTwice.length} twice`),
      check('tasks: fences and causes in order', seen.strange.length === 0, seen.strange.slice(0, 3).join('; ')),
      check('tasks: nothing pending, nothing dead', unfinished.total === 0, unfinished.facts),
      deadline(
        'tasks: under fire ≤ 3 times as long as in peace',
        factor <= 3,
        `${factor.toFixed(2)}: ${inSeconds(fire.result.tookMs)} after ${inSeconds(quiet.tookMs)}`,
      ),
    ];
    return [
      ...checks,
      ...stalled,
      ...(await provePoison(scene)),
      ...(size.wipedAlerts === undefined ? [] : await proveWipes(scene, size.wipedAlerts)),
    ];
  } finally {
    await listener.stop();
  }
}

/** While all workers still live: one that has just been started holds nothing. */
async function proveStalls(scene: WipeScene, { stalls, leaseMs }: StreamsSoakSize): Promise<Check[]> {
  const checkStall = (what: string, { problems, takenOver, takenOverAfterMs, refused }: StallOutcome): Check[] => [
    check(
      `tasks: a worker that ${what} for longer than its lease writes nothing afterwards`,
      problems.length === 0 && takenOver > 0 && refused > 0,
      [`${takenOver} tasks taken over, ${refused} late results refused`, ...problems.slice(0, 3)].join('; '),
    ),
    deadline(
      `tasks: those of a worker that ${what} are taken over within its lease and 5 s`,
      takenOverAfterMs <= leaseMs + 5_000,
      inSeconds(takenOverAfterMs),
    ),
  ];
  return [
    ...checkStall('is stopped', await stopWorker(scene, stalls)),
    ...checkStall('is blocked', await blockWorker(scene, stalls)),
  ];
}

async function provePoison(scene: WipeScene): Promise<Check[]> {
  const { problems, neighboursDelayedMs } = await runPoison(scene);
  return [
    check('poison: dead after 5 tries, applied once by its replay', problems.length === 0, problems.join('; ')),
    deadline('poison: neighbours delayed < 1 s', neighboursDelayedMs < 1_000, `${neighboursDelayedMs} ms`),
  ];
}

async function proveWipes(scene: WipeScene, alerts: number): Promise<Check[]> {
  const { problems, equalAfterMs, episodes } = await runWipes(scene, alerts);
  return [
    check('FLUSHALL: models equal a replay', problems.length === 0, problems.join('; ') || `${episodes} episodes`),
    deadline('FLUSHALL: equal within 60 s', equalAfterMs <= 60_000, inSeconds(equalAfterMs)),
  ];
}
