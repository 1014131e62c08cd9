/**
 * Tasks end to end, by the path that every durable task takes: alert in the outbox → stream → policy with its inbox → task row →
 * claim with lease and fence → an outside agent over A2A → the end as an event. Once in peace, once while workers are killed
 * every second, Redis is killed, and the connections to PostgreSQL are cut.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '@aurorasoc/kit/database';
import { newId } from '@aurorasoc/kit/ids';
import { between, type Random } from '../../support/random.js';
import { underFaults } from '../../support/under-faults.js';
import { eventually } from '../../support/wait.js';
import { newIds, type OutcomeListener, openAlerts } from './clients.js';
import { now } from './history.js';
import type { Installation } from './installation.js';
import type { RoleProcess } from './role-process.js';

export interface TaskLoad {
  readonly tasks: number;
  readonly tenants: number;
}

export interface TaskFaults {
  /** Most workers that are killed, one a second, each third by a signal to end in order; at the longest until the last task has ended. */
  readonly kills: number;
  readonly redisRestarts: number;
  readonly postgresCuts: number;
  /** All restarts and cuts are spread over this long, milliseconds. */
  readonly overMs: number;
}

export interface TaskScene {
  readonly installation: Installation;
  readonly alerts: Database;
  readonly listener: OutcomeListener;
  readonly workers: readonly RoleProcess[];
}

export interface TaskRun {
  /** From the first alert to the last end of an investigation, milliseconds. */
  readonly tookMs: number;
  readonly opened: readonly string[];
}

const PER_TRANSACTION = 5;
const KILL_EVERY_MS = 1_000;
/** A run that takes longer has lost something; the checkers then say what. */
const LONGEST_MS = 1_800_000;

/** Opens the alerts and waits until each has its end, until no end has come for too long, or until the signal says that none need. */
export async function runTasks(scene: TaskScene, { tasks, tenants }: TaskLoad, signal?: AbortSignal): Promise<TaskRun> {
  const { alerts, installation, listener } = scene;
  const began = now();
  const opened: string[] = [];
  const owners = Array.from({ length: tenants }, () => newId());
  for (let n = 0; opened.length < tasks; n++) {
    const count = Math.min(PER_TRANSACTION, tasks - opened.length);
    opened.push(...(await openAlerts(alerts, installation.clients, owners[n % tenants] ?? '', newIds(count))));
  }
  await eventually(
    () => opened.every((alert) => listener.ended.has(alert)) || installation.crashes().length > 0 || signal?.aborted,
    (isOver) => isOver === true,
    LONGEST_MS,
  ).catch(() => undefined);
  return { tookMs: now() - began, opened };
}

/**
 * @param work - its signal is aborted when a fault fails.
 * @returns how many of each fault there were, once `work` is over.
 * @throws what a fault failed with
 */
export async function underFire<T>(
  scene: TaskScene,
  random: Random,
  faults: TaskFaults,
  work: (failed: AbortSignal) => Promise<T>,
): Promise<{ result: T; kills: number; redisRestarts: number; postgresCuts: number }> {
  const counts = { kills: 0, redisRestarts: 0, postgresCuts: 0 };
  const endedBefore = scene.listener.ended.size;
  const hasBegun = () => scene.listener.ended.size > endedBefore;
  const killing = (workIsOver: AbortSignal) =>
    killWorkers(scene.workers, hasBegun, random, workIsOver, () => {
      counts.kills += 1;
      return counts.kills < faults.kills;
    });
  const restarting = () =>
    atRandom(random, faults.redisRestarts, faults.overMs, async () => {
      await scene.installation.restartRedis();
      counts.redisRestarts += 1;
    });
  const cutting = () =>
    atRandom(random, faults.postgresCuts, faults.overMs, async () => {
      scene.installation.postgres.cut();
      counts.postgresCuts += 1;
    });
  const result = await underFaults([killing, restarting, cutting], ({ failed }) => work(failed));
  return { result, ...counts };
}

/** @param hasBegun - whether the first task has ended: who is killed before that is killed over nothing. */
async function killWorkers(
  workers: readonly RoleProcess[],
  hasBegun: () => boolean,
  random: Random,
  signal: AbortSignal,
  onKilled: () => boolean,
): Promise<void> {
  while (!hasBegun() && !signal.aborted) await wait(20);
  for (let n = 1, next = now() + KILL_EVERY_MS; !signal.aborted; n++, next += KILL_EVERY_MS) {
    await wait(Math.max(0, next - now()), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const victim = workers[between(random, 0, workers.length - 1)];
    await (n % 3 === 0 ? victim?.stop() : victim?.kill());
    victim?.start();
    if (!onKilled()) return;
  }
}

/** Calls `fault` so many times, each in its own share of the time, one after the other. */
async function atRandom(random: Random, times: number, overMs: number, fault: () => Promise<void>): Promise<void> {
  const share = overMs / times;
  const began = now();
  const moments = Array.from({ length: times }, (_, n) => began + share * (n + random()));
  for (const moment of moments) {
    await wait(Math.max(0, moment - now()));
    await fault();
  }
}
