/**
 * A worker that stands still for longer than its lease and then goes on, once stopped from outside and once because its event
 * loop is blocked: another one has finished its tasks by then, and what it still has to say of them is dropped.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { newId } from '@aurorasoc/kit/ids';
import { eventually } from '../../support/wait.js';
import { checkTasks } from './check-tasks.js';
import { newIds, openAlerts } from './clients.js';
import { now } from './history.js';
import type { RoleProcess } from './role-process.js';
import type { TaskScene } from './tasks.js';

export interface Stalls {
  /** Both longer than the lease, milliseconds. */
  readonly stoppedMs: number;
  readonly blockedMs: number;
}

export interface StallOutcome {
  readonly problems: readonly string[];
  /** Tasks that another worker took over. */
  readonly takenOver: number;
  /** From the moment at which the worker began to stand still to the last of these, milliseconds. */
  readonly takenOverAfterMs: number;
  /** Results and steps that the worker which had stood still wanted to write, and could not. */
  readonly refused: number;
}

/** More than all workers hold at a time, so that the one that stands still holds some. */
const ALERTS = 12;
/** As the workers are started with. */
export const TASKS_PER_WORKER = 2;
/**
 * From an order to its effect, so that orders are open at the moment at which the worker begins to stand still; short enough for the
 * others to have places for these when its leases end.
 */
const HELD_MS = 1_000;
const HOLDING_MS = 5_000;
const PATIENCE_MS = 60_000;
const REFUSED = 'What came of a lost claim was dropped';

/** Variables of a process whose event loop `SIGUSR2` blocks: no timer runs and no byte is read meanwhile. */
export function blockable({ blockedMs }: Stalls): Readonly<Record<string, string>> {
  const sleep = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${blockedMs})`;
  const script = Buffer.from(`process.on('SIGUSR2', () => ${sleep})`).toString('base64');
  return { NODE_OPTIONS: `--import data:text/javascript;base64,${script}` };
}

/** `SIGSTOP`, and `SIGCONT` after the time. */
export function stopWorker(scene: TaskScene, { stoppedMs }: Stalls): Promise<StallOutcome> {
  return stall(scene, async (victim) => {
    victim.signal('SIGSTOP');
    await wait(stoppedMs);
    victim.signal('SIGCONT');
  });
}

/** The process must have been started with {@link blockable}. */
export function blockWorker(scene: TaskScene, { blockedMs }: Stalls): Promise<StallOutcome> {
  return stall(scene, async (victim) => {
    victim.signal('SIGUSR2');
    await wait(blockedMs);
  });
}

/** Again, at most twice, where the worker happened to hold nothing at that moment. */
async function stall(scene: TaskScene, standStill: (victim: RoleProcess) => Promise<void>): Promise<StallOutcome> {
  for (let again = 2; ; again--) {
    const outcome = await stallOnce(scene, standStill);
    if (outcome.takenOver > 0 || outcome.problems.length > 0 || again === 0) return outcome;
  }
}

async function stallOnce(scene: TaskScene, standStill: (victim: RoleProcess) => Promise<void>): Promise<StallOutcome> {
  const { installation, alerts, listener, workers } = scene;
  const victim = workers[0];
  if (victim === undefined) throw new Error('There is no worker');
  const refusedBefore = victim.countLogged(REFUSED);
  await installation.setPace(HELD_MS);
  const opened = await openAlerts(alerts, installation.clients, newId(), newIds(ALERTS));
  const ordersFrom = (fence: number) =>
    installation.outside
      .read()
      .filter((seen) => seen.kind === 'ordered')
      .filter((order) => order.fence >= fence && opened.includes(order.alert));
  // So many orders are open that the others cannot hold them all; where that is not reached, it stands still anyway.
  await eventually(
    () => {
      const effects = installation.outside
        .read()
        .filter(({ kind, alert }) => kind === 'effect' && opened.includes(alert));
      return ordersFrom(1).length - effects.length;
    },
    (open) => open > TASKS_PER_WORKER * (workers.length - 1),
    HOLDING_MS,
  ).catch(() => undefined);
  await installation.setPace();
  const stoodStillAt = now();
  await standStill(victim);
  // Of those that were claimed ahead and not begun yet, nothing can come that would have to be refused.
  const takenOver = () => {
    const begun = new Set(ordersFrom(1).flatMap(({ fence, alert }) => (fence === 1 ? [alert] : [])));
    return ordersFrom(2).filter(({ alert }) => begun.has(alert));
  };
  const isRefused = () => takenOver().length === 0 || victim.countLogged(REFUSED) > refusedBefore;
  await eventually(
    () => opened.every((alert) => listener.ended.has(alert)) && isRefused(),
    (isOver) => isOver,
    PATIENCE_MS,
  ).catch(() => undefined); // What is missing is told below.
  const seen = checkTasks(opened, installation.clients.read(), installation.outside.read());
  return {
    problems: [
      ...seen.lost.map((alert) => `${alert} was lost`),
      ...seen.doubled.map((alert) => `${alert} had two effects`),
      ...seen.endedTwice.map((alert) => `${alert} ended twice`),
    ],
    takenOver: new Set(takenOver().map(({ alert }) => alert)).size,
    takenOverAfterMs: Math.round(Math.max(0, ...ordersFrom(2).map(({ at }) => at - stoodStillAt))),
    refused: victim.countLogged(REFUSED) - refusedBefore,
  };
}
