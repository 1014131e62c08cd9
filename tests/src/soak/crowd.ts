/**
 * A crowd at the gateway. A thousand clients of one identity that all lose it at one moment come back to one subscription at the
 * subgraph and miss nothing. A client that reads a byte a second is told to read again, then let go; meanwhile it costs neither
 * memory without a bound nor the others their time.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { forkProgram, tell } from '../support/forked-program.js';
import { connectionsTo, gatewayMetric, residentBytes } from '../support/gateway-process.js';
import { followAlerts } from '../support/live-client.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';
import { type Check, check, deadline, inSeconds } from './check.js';
import type { SlowReaderOrder, SlowReaderReport } from './crowd/slow-reader.js';
import { changesOf, changeWhile, finalVersions, openAlerts, problemOf } from './live.js';

export interface CrowdOutcome {
  readonly name: 'crowd';
  readonly met: boolean;
  readonly passed: number;
  readonly total: number;
  readonly checks: readonly Check[];
}

export async function soakCrowd(): Promise<CrowdOutcome> {
  const site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF' } });
  try {
    const ids = await openAlerts(site);
    const checks = [...(await comeBack(site, ids, 1_000)), ...(await readSlowly(site, ids))];
    const passed = checks.filter(({ met }) => met).length;
    return { name: 'crowd', met: passed === checks.length, passed, total: checks.length, checks };
  } finally {
    await site.stop();
  }
}

const COME_BACK_MS = 120_000;
/** Connections of queries are kept for some seconds. */
const QUERY_CONNECTION_MS = 15_000;

/** @param ids - of all alerts of the tenant, none of which was changed yet. */
export async function comeBack(site: RunningSite, ids: readonly string[], count: number): Promise<Check[]> {
  const clients = Array.from({ length: count }, () => followAlerts(site.urls.gateway, site.token));
  await Promise.all(clients.map(({ ready }) => ready));
  await changeWhile(site, ids, 1, restartGateway(site), 100);
  const began = Date.now();
  const expected = changesOf(await finalVersions(site, ids));
  await eventually(
    () => clients.every(({ received }) => received.length >= expected.size),
    (all) => all,
    COME_BACK_MS,
  ).catch(() => undefined);
  const tookMs = Date.now() - began;
  const problems = clients.flatMap((client) => problemOf(client, clients[0], expected) ?? []);
  const subscribers = await gatewayMetric(site, 'aurora_ws_subscribers');
  const open = await connectionsOnceThereAre(site, 1);
  await Promise.all(clients.map((client) => client.leave()));
  const left = await connectionsOnceThereAre(site, 0);
  return [
    check(
      `crowd: ${count} clients that lost the gateway have each change once and in order`,
      problems.length === 0,
      problems[0] ?? `${expected.size} changes, all there ${inSeconds(tookMs)} after the last`,
    ),
    check(
      'crowd: they end on one upstream',
      open === 1 && subscribers === count,
      `${subscribers} on ${open}, by the kernel's count of connections`,
    ),
    check('crowd: nothing stays open behind the last', left === 0, `${left}`),
  ];
}

/** @returns how many there are in the end. */
function connectionsOnceThereAre(site: RunningSite, expected: number): Promise<number> {
  const count = () => connectionsTo(site, 'alerts');
  return eventually(count, (found) => found === expected, QUERY_CONNECTION_MS).catch(count);
}

async function restartGateway({ site }: RunningSite): Promise<void> {
  await wait(1_000);
  site.killRole('gateway', 'SIGKILL');
  await eventually(
    () => site.state.roles.gateway,
    (gateway) => gateway?.state === 'running' && gateway.restarts > 0,
    60_000,
  );
  await wait(1_000);
}

const CHANGES = `subscription ($after: Cursor) { alertChanged(after: $after) {
  __typename
  ... on AlertChange { cursor version occurredAt alert { id title severity status count assignee } }
  ... on CaughtUp { cursor }
  ... on ResyncRequired { since reason }
} }`;

interface Item {
  readonly __typename: string;
  readonly occurredAt?: string;
}

/** On one socket: what is queued for it then is no few kilobytes, which the buffers of the machine would take. */
const SLOW_SUBSCRIPTIONS = 100;
const OTHERS = 10;
/** The gateway gives up a client that has taken nothing for 30 s. */
const LET_GO_MS = 60_000;
/** How long the others are watched alone. */
const QUIET_MS = 10_000;
/** What all queues of the slow client may hold at most is 1,000 items each, which they share. */
const MAX_GROWTH_MIB = 192;

export async function readSlowly(site: RunningSite, ids: readonly string[]): Promise<Check[]> {
  const others = Array.from({ length: OTHERS }, () => watchDelays(site));
  await Promise.all(others.map(({ ready }) => ready));
  const program = forkProgram('soak/crowd/slow-reader');
  const slow = (order: SlowReaderOrder) => tell<SlowReaderOrder, SlowReaderReport>(program, order);
  const report = () => slow({ kind: 'report' });
  const resyncs = () => gatewayMetric(site, 'aurora_ws_resyncs_total');
  const subscribers = () => gatewayMetric(site, 'aurora_ws_subscribers');
  /** Drives changes until it is so. @returns the others' p99 meanwhile, milliseconds. */
  const driveUntil = async <T>(read: () => Promise<T>, isDone: (value: T) => boolean): Promise<number> => {
    takeDelays(others);
    await changeWhile(site, ids, 1, untilSo(read, isDone), 20);
    return takeDelays(others);
  };
  try {
    const began = Date.now();
    const quietMs = await driveUntil(subscribers, () => Date.now() - began > QUIET_MS);
    const memory = watchMemory(site);
    const subscriptions = SLOW_SUBSCRIPTIONS;
    await slow({ kind: 'open', gateway: site.urls.gateway, token: site.token, query: CHANGES, subscriptions });

    await slow({ kind: 'crawl' });
    const crawlingMs = await driveUntil(resyncs, (count) => count > 0);
    await slow({ kind: 'hurry' });
    const catchingUpMs = await driveUntil(report, ({ told }) => told > 0);
    const { told } = await slow({ kind: 'crawl' });
    const stalledMs = await driveUntil(subscribers, (open) => open === OTHERS);
    const open = await subscribers();
    const grownMiB = memory.stop() / 1_048_576;
    await slow({ kind: 'hurry' });
    await untilSo(report, ({ closed }) => closed !== undefined);
    const { closed } = await report();
    return [
      check('slow reader: is told to read again', told > 0, `${told} of ${subscriptions} subscriptions`),
      check('slow reader: is let go when it takes nothing for 30 s', open === OTHERS && closed === 1013, `${closed}`),
      check(
        'slow reader: the gateway grows by no more than its queues',
        grownMiB < MAX_GROWTH_MIB,
        `${grownMiB.toFixed(0)} MiB`,
      ),
      notSlowed('while it reads a byte a second', Math.max(crawlingMs, stalledMs), quietMs),
      notSlowed('while it catches up', catchingUpMs, quietMs),
    ];
  } finally {
    await Promise.all(others.map(({ leave }) => leave()));
    await program.stop();
  }
}

const POLL_MS = 500;

/** Looks seldom, so that looking slows nobody, and for so long at most; whatever became of it is seen from what is measured. */
async function untilSo<T>(read: () => Promise<T>, isDone: (value: T) => boolean): Promise<void> {
  for (const began = Date.now(); Date.now() - began < LET_GO_MS; ) {
    if (isDone(await read())) return;
    await wait(POLL_MS);
  }
}

/** @property stop - tells by how much the gateway has grown at most, bytes. */
function watchMemory(site: RunningSite): { stop(): number } {
  const before = residentBytes(site, 'gateway');
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytes(site, 'gateway'));
  }, POLL_MS);
  return {
    stop: () => {
      clearInterval(sampling);
      return peak - before;
    },
  };
}

function notSlowed(when: string, ms: number, quietMs: number): Check {
  return deadline(
    `slow reader: others are not slowed ${when} (p99 at most twice as late, or 100 ms)`,
    ms <= Math.max(2 * quietMs, 100),
    `p99 ${ms} ms, ${quietMs} ms before`,
  );
}

interface DelayWatch {
  readonly ready: Promise<void>;
  /** From the change to its arrival, milliseconds. */
  readonly delays: number[];
  leave(): Promise<void>;
}

function watchDelays(site: RunningSite): DelayWatch {
  const delays: number[] = [];
  const leaving = new AbortController();
  const ready = Promise.withResolvers<void>();
  const following = site.client.follow<Item>(
    CHANGES,
    {},
    {
      signal: leaving.signal,
      onItem: ({ __typename, occurredAt }) => {
        if (__typename === 'CaughtUp') ready.resolve();
        if (occurredAt !== undefined) delays.push(Date.now() - Date.parse(occurredAt));
      },
    },
  );
  return {
    ready: ready.promise,
    delays,
    leave: async () => {
      leaving.abort();
      await following;
    },
  };
}

/** @returns the 99th percentile of what came since the last call. */
function takeDelays(watches: readonly DelayWatch[]): number {
  const all = watches.flatMap(({ delays }) => delays.splice(0)).sort((one, other) => one - other);
  return all[Math.ceil(all.length * 0.99) - 1] ?? Number.NaN;
}
