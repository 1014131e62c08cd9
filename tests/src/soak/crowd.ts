/**
 * A crowd at the gateway. A thousand clients of one identity that all lose it at one moment come back to one subscription at the
 * subgraph and miss nothing. A client that reads a byte a second is told to read again, then let go; meanwhile it costs neither
 * memory without a bound nor the others their time.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createClient as createSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startFaultProxy } from '../support/fault-proxy.js';
import { gatewayMetric, residentBytes, upstreams } from '../support/gateway-process.js';
import { followAlerts } from '../support/live-client.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';
import { type Check, check, deadline, inSeconds } from './check.js';
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
  const open = await eventually(
    () => upstreams(site),
    (found) => found === 1,
  ).catch(() => upstreams(site));
  await Promise.all(clients.map((client) => client.leave()));
  const left = await eventually(
    () => upstreams(site),
    (found) => found === 0,
    5_000,
  ).catch(() => upstreams(site));
  return [
    check(
      `crowd: ${count} clients that lost the gateway have each change once and in order`,
      problems.length === 0,
      problems[0] ?? `${expected.size} changes, all there ${inSeconds(tookMs)} after the last`,
    ),
    check('crowd: they end on one upstream', open === 1 && subscribers === count, `${subscribers} on ${open}`),
    check('crowd: nothing stays open behind the last', left === 0, `${left}`),
  ];
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
  readonly reason?: string;
  readonly occurredAt?: string;
}

/** On one socket: what is queued for it then is no few kilobytes, which the buffers of the machine would take. */
const SLOW_SUBSCRIPTIONS = 100;
const OTHERS = 10;
/** The gateway gives up a client that has taken nothing for 30 s. */
const LET_GO_MS = 60_000;
/** What all queues of the slow client may hold at most is 1,000 items each, which they share. */
const MAX_GROWTH = 192 * 1_024 * 1_024;

export async function readSlowly(site: RunningSite, ids: readonly string[]): Promise<Check[]> {
  const others = Array.from({ length: OTHERS }, () => watchDelays(site));
  await Promise.all(others.map(({ ready }) => ready));
  const drive = (until: Promise<void>) => changeWhile(site, ids, 1, until, 20);
  await drive(wait(4_000));
  const quietMs = takeDelays(others);
  const before = residentBytes(site, 'gateway');

  const slow = await openSlowReader(site);
  slow.crawl();
  let peak = 0;
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytes(site, 'gateway'));
  }, 200);
  const resyncs = () => gatewayMetric(site, 'aurora_ws_resyncs_total');
  const overflow = eventually(resyncs, (count) => count > 0, LET_GO_MS).then(
    () => undefined,
    () => undefined,
  );
  await drive(overflow);
  slow.hurry();
  const told = await eventually(
    () => slow.items.filter(({ reason }) => reason === 'SLOW_CONSUMER').length,
    (count) => count > 0,
    30_000,
  ).catch(() => 0);
  slow.crawl();
  await Promise.all([
    drive(wait(LET_GO_MS - 20_000)),
    eventually(
      () => gatewayMetric(site, 'aurora_ws_subscribers'),
      (open) => open === OTHERS,
      LET_GO_MS,
    ).catch(() => undefined),
  ]);
  const open = await gatewayMetric(site, 'aurora_ws_subscribers');
  clearInterval(sampling);
  const besideMs = takeDelays(others);
  slow.hurry();
  const code = await Promise.race([slow.closed, wait(30_000, 'not closed')]);
  await Promise.all(others.map(({ leave }) => leave()));
  await slow.dispose();
  const growth = peak - before;
  return [
    check('slow reader: is told to read again', told > 0, `${told} of ${SLOW_SUBSCRIPTIONS} subscriptions`),
    check(
      'slow reader: is let go with 1013 when it takes nothing for 30 s',
      open === OTHERS && code === 1013,
      `${code}`,
    ),
    check(
      'slow reader: the gateway grows by no more than its queues',
      growth < MAX_GROWTH,
      `${(growth / 1_048_576).toFixed(0)} MiB`,
    ),
    deadline(
      'slow reader: others are not slowed (p99 at most twice as late, or 100 ms)',
      besideMs <= Math.max(2 * quietMs, 100),
      `p99 ${besideMs} ms, ${quietMs} ms before`,
    ),
  ];
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

interface SlowReader {
  readonly items: readonly Item[];
  /** Close code of its socket. */
  readonly closed: Promise<number>;
  crawl(): void;
  hurry(): void;
  dispose(): Promise<void>;
}

/** A client behind a line that can be throttled to a byte a second. */
async function openSlowReader(site: RunningSite): Promise<SlowReader> {
  const line = await startFaultProxy(site.urls.gateway);
  const items: Item[] = [];
  const closed = Promise.withResolvers<number>();
  const ready = Promise.withResolvers<void>();
  const client = createSocketClient({
    url: `${line.url.replace(/^http/, 'ws').replace(/\/$/, '')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${site.token}` },
    on: { closed: (event) => closed.resolve((event as { code: number }).code) },
  });
  let caughtUp = 0;
  for (let n = 0; n < SLOW_SUBSCRIPTIONS; n++)
    client.subscribe<{ alertChanged: Item }>(
      { query: CHANGES },
      {
        next: ({ data }) => {
          if (!data) return;
          items.push(data.alertChanged);
          if (data.alertChanged.__typename === 'CaughtUp' && ++caughtUp === SLOW_SUBSCRIPTIONS) ready.resolve();
        },
        error: () => undefined,
        complete: () => undefined,
      },
    );
  await ready.promise;
  return {
    items,
    closed: closed.promise,
    crawl: () => line.throttle(1),
    hurry: () => void line.heal(),
    dispose: async () => {
      await client.dispose();
      await line.stop();
    },
  };
}
