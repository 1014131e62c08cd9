/** What became of tasks, judged by what the clients and the outside agent saw; nothing here asks the system. */
import type { Seen } from './history.js';

export interface TaskVerdict {
  /** Alerts that a client opened and whose investigation never ended well, or without an effect of the outside agent. */
  readonly lost: readonly string[];
  /** Alerts that a client opened and for which the outside agent made more than one effect. */
  readonly doubled: readonly string[];
  /** Alerts whose investigation was told to have ended more than once. */
  readonly endedTwice: readonly string[];
  /** Effects that nobody asked for, ends before their effect, orders under a fence older than an earlier one's. */
  readonly strange: readonly string[];
  /** Orders that reached the outside agent beyond one per alert: what its idempotency had to absorb. */
  readonly repeatedOrders: number;
}

/** @param opened - the alerts that are judged; whatever else the histories tell of is another run's. */
export function checkTasks(opened: readonly string[], clients: readonly Seen[], outside: readonly Seen[]): TaskVerdict {
  const ends = groupByAlert(clients, 'outcome');
  const effects = groupByAlert(outside, 'effect');
  const orders = groupByAlert(outside, 'ordered');
  const known = new Set(clients.filter(({ kind }) => kind === 'opened').map(({ alert }) => alert));
  return {
    lost: opened.filter((alert) => {
      const isEnded = ends.get(alert)?.some((end) => end.kind === 'outcome' && end.status === 'COMPLETED');
      return !isEnded || !effects.has(alert);
    }),
    doubled: opened.filter((alert) => (effects.get(alert)?.length ?? 0) > 1),
    endedTwice: opened.filter((alert) => (ends.get(alert)?.length ?? 0) > 1),
    strange: [
      ...[...effects.keys()].filter((alert) => !known.has(alert)).map((alert) => `effect for unknown ${alert}`),
      ...opened.flatMap((alert) => (isInOrder(orders.get(alert) ?? []) ? [] : [`fence went back for ${alert}`])),
      ...opened.flatMap((alert) => {
        const [effect, end] = [effects.get(alert)?.[0], ends.get(alert)?.[0]];
        return effect && end && end.at < effect.at ? [`end before the effect for ${alert}`] : [];
      }),
    ],
    repeatedOrders: opened.reduce((sum, alert) => sum + Math.max(0, (orders.get(alert)?.length ?? 0) - 1), 0),
  };
}

function groupByAlert(history: readonly Seen[], kind: Seen['kind']): Map<string, Seen[]> {
  return Map.groupBy(
    history.filter((seen) => seen.kind === kind),
    ({ alert }) => alert,
  );
}

function isInOrder(orders: readonly Seen[]): boolean {
  const fences = orders.map((order) => (order.kind === 'ordered' ? order.fence : 0));
  return fences.every((fence, n) => fence >= 1 && fence >= (fences[n - 1] ?? 1));
}
