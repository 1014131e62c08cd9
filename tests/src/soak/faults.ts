/**
 * Each part of a site away for a minute, one after the other, under a load that comes in by every door: numbered events, telemetry
 * of devices, changes by people, and clients that follow them. What an outage may cost is seen while it lasts; that it cost
 * nothing else is counted at the end by what the clients wrote down.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { GraphRequestError } from '@aurorasoc/cli/client';
import { runFleet } from '../support/edge-fleet.js';
import { followAlerts } from '../support/live-client.js';
import { countStored, postNumbers } from '../support/numbered-events.js';
import { createSecondIdentity } from '../support/public-doors.js';
import { between, seededRandom } from '../support/random.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';
import { type Check, check, deadline, inSeconds, say } from './check.js';
import { changesOf, changeWhile, finalVersions, openAlerts, problemOf } from './live.js';

export interface FaultsSoakOptions {
  /** Says in which order, and how many events are sent when. */
  readonly seed: number;
  /** @default 60 000 */
  readonly outageMs?: number;
}

export interface FaultsSoakOutcome {
  readonly name: 'faults';
  readonly seed: number;
  readonly met: boolean;
  readonly passed: number;
  readonly total: number;
  readonly checks: readonly Check[];
  readonly seconds: number;
}

interface Outage {
  readonly part: string;
  readonly kind: 'service' | 'role';
  /** What holds while it lasts. */
  readonly meanwhile?: (site: RunningSite) => Promise<Check[]>;
}

const CLIENTS = 20;
const DEVICES = 20;
const SETTLE_MS = 120_000;
/** Recovery needs no restart; a health field moves within 15 s. */
const HEALTHY_WITHIN_MS = 15_000;

const OUTAGES: readonly Outage[] = [
  { part: 'postgres', kind: 'service', meanwhile: refusesInTime },
  { part: 'redis', kind: 'service', meanwhile: changesAllTheSame },
  { part: 'mosquitto', kind: 'service', meanwhile: answersAllTheSame },
  ...['gateway', 'ingest', 'alerts', 'devices', 'agents', 'federation'].map(
    (part) => ({ part, kind: 'role' }) satisfies Outage,
  ),
];

export async function soakFaults({ seed, outageMs = 60_000 }: FaultsSoakOptions): Promise<FaultsSoakOutcome> {
  const began = Date.now();
  const random = seededRandom(seed);
  const checks: Check[] = [];
  const site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF', LOG_LEVEL: 'warn' } });
  try {
    const ids = await openAlerts(site);
    const second = await createSecondIdentity(site);
    const clients = Array.from({ length: CLIENTS }, (_, n) =>
      followAlerts(site.urls.gateway, n % 2 === 0 ? site.token : second),
    );
    await Promise.all(clients.map(({ ready }) => ready));

    const order = OUTAGES.map((outage) => ({ outage, at: random() })).sort((one, other) => one.at - other.at);
    const sufferAll = async (): Promise<void> => {
      for (const { outage } of order) checks.push(...(await suffer(site, outage, outageMs)));
    };
    let accepted: number[] = [];
    const meanwhile = async (): Promise<void> => {
      const leave = new AbortController();
      const suffering = sufferAll().finally(() => leave.abort());
      const sending = sendNumbers(site, () => between(random, 1, 50), leave.signal);
      await changeWhile(site, ids, 1, suffering, 500);
      accepted = await sending;
    };
    const fleet = await runFleet(site, {
      devices: DEVICES,
      messages: 1,
      pauseMs: 1_000,
      settleMs: SETTLE_MS,
      meanwhile,
    });
    const { lost, doubled } = await countStored(site, accepted);
    checks.push(
      check(
        'accepted events are stored once',
        lost + doubled === 0 && accepted.length > 0,
        `${accepted.length} accepted, ${lost} lost, ${doubled} twice`,
      ),
    );
    checks.push(
      check(
        'telemetry is told once',
        fleet.lost + fleet.doubled + fleet.resyncs === 0,
        `${fleet.sent} sent, ${fleet.lost} lost, ${fleet.doubled} twice`,
      ),
    );
    const expected = changesOf(await finalVersions(site, ids));
    await eventually(
      () => clients.every(({ received }) => received.length >= expected.size),
      (all) => all,
      SETTLE_MS,
    ).catch(() => undefined);
    const problems = clients.flatMap((client) => problemOf(client, clients[0], expected) ?? []);
    checks.push(
      check(
        'clients have each change once and in order',
        problems.length === 0,
        problems[0] ?? `${expected.size} changes, ${CLIENTS} clients`,
      ),
    );
    await Promise.all(clients.map((client) => client.leave()));
  } finally {
    await site.stop();
  }
  const passed = checks.filter(({ met }) => met).length;
  const seconds = Math.round((Date.now() - began) / 1_000);
  return { name: 'faults', seed, met: passed === checks.length, passed, total: checks.length, checks, seconds };
}

async function suffer(site: RunningSite, { part, kind, meanwhile }: Outage, outageMs: number): Promise<Check[]> {
  say(`${part} is away for ${inSeconds(outageMs)}`);
  const over = wait(outageMs);
  await (kind === 'service' ? site.site.stopService(part as 'redis') : site.site.stopRole(part));
  const checks = (await meanwhile?.(site)) ?? [];
  await over;
  const told = await eventually(
    () => stateOf(site),
    (found) => found !== 'UP',
    HEALTHY_WITHIN_MS,
  ).catch(() => 'UP');
  await (kind === 'service' ? site.site.startService(part as 'redis') : site.site.startRole(part));
  const back = Date.now();
  const state = await eventually(
    () => stateOf(site),
    (found) => found === 'UP',
    4 * HEALTHY_WITHIN_MS,
  ).catch((error: Error) => error.message);
  const took = Date.now() - back;
  return [
    ...checks,
    check(`${part}: health tells that it is away`, told !== 'UP', told),
    check(`${part}: all is well again without a restart`, state === 'UP', state),
    deadline(`${part}: within 15 s`, took <= HEALTHY_WITHIN_MS, inSeconds(took)),
  ];
}

async function stateOf({ client }: RunningSite): Promise<string> {
  const { data } = await client
    .execute<{ siteHealth: { state: string } | null }>('{ siteHealth { state } }')
    .catch(() => ({ data: null }));
  return data?.siteHealth?.state ?? 'not told';
}

/** How long a request takes, and what it ends with. */
async function timed(request: Promise<unknown>): Promise<{ error: GraphRequestError | undefined; ms: number }> {
  const began = performance.now();
  const error = await request.then(
    () => undefined,
    (thrown: GraphRequestError) => thrown,
  );
  return { error, ms: performance.now() - began };
}

const COUNT = '{ alerts(first: 1) { nodes { id } } }';

async function refusesInTime({ client }: RunningSite): Promise<Check[]> {
  await wait(2_000);
  const { error, ms } = await timed(client.query(COUNT));
  return [
    check(
      'postgres: a query is refused by type, with a hint when to ask again',
      error?.code === 'SERVICE_UNAVAILABLE' && (error.retryAfterSeconds ?? 0) > 0,
      `${error?.code} ${error?.retryAfterSeconds}`,
    ),
    deadline('postgres: within 1 s', ms < 1_000, inSeconds(ms)),
  ];
}

async function changesAllTheSame(site: RunningSite): Promise<Check[]> {
  const remember =
    'mutation { remember(input: { tier: WORKING, title: "Kept", text: "While Redis was away" }) { id } }';
  await wait(2_000);
  const { error } = await timed(site.client.query(remember));
  const told = await eventually(
    () => degradedComponents(site),
    (names) => names.some((name) => name.includes('relay')),
    HEALTHY_WITHIN_MS,
  ).catch(() => []);
  return [
    check('redis: a change is made all the same', error === undefined, error?.message ?? ''),
    check('redis: health names the part within 15 s', told.length > 0, told.join()),
  ];
}

async function answersAllTheSame({ client }: RunningSite): Promise<Check[]> {
  const { error } = await timed(client.query(COUNT));
  return [check('mosquitto: queries are answered all the same', error === undefined, error?.message ?? '')];
}

async function degradedComponents({ client }: RunningSite): Promise<string[]> {
  const { siteHealth } = await client.query<{
    siteHealth: { services: { name: string; components: { name: string; state: string }[] }[] };
  }>('{ siteHealth { services { name components { name state } } } }');
  return siteHealth.services.flatMap((service) =>
    service.components.filter(({ state }) => state !== 'UP').map(({ name }) => `${service.name} ${name}`),
  );
}

/** Until it is told to stop; a batch that is not accepted is not sent again. @returns the numbers that were accepted. */
async function sendNumbers(site: RunningSite, count: () => number, signal: AbortSignal): Promise<number[]> {
  const accepted: number[] = [];
  for (let next = 0; !signal.aborted; ) {
    const numbers = Array.from({ length: count() }, (_, index) => next + index);
    next += numbers.length;
    if (await postNumbers(site, numbers)) accepted.push(...numbers);
    await wait(500);
  }
  return accepted;
}
