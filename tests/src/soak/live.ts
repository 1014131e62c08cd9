/**
 * Fifty clients, five thousand changes, and every part between killed and started again meanwhile: each client that resumes
 * by cursor has each change once, in version order, and all have the same sequence.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { followAlerts, type LiveClient } from '../support/live-client.js';
import { createSecondIdentity, postEvents } from '../support/public-doors.js';
import { between, type Random, seededRandom } from '../support/random.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { underFaults } from '../support/under-faults.js';
import { eventually } from '../support/wait.js';

export interface LiveSoakOptions {
  /** Says when what is killed. */
  readonly seed: number;
  /** Half of them of one identity, half of another. @default 50 */
  readonly clients?: number;
  /** At least so many are made. @default 5 000 */
  readonly changes?: number;
}

export interface LiveSoakOutcome {
  readonly name: 'live';
  readonly seed: number;
  readonly met: boolean;
  /** Clients without a problem, of all. */
  readonly passed: number;
  readonly total: number;
  readonly changes: number;
  /** The first problem of each client that has one. */
  readonly problems: readonly string[];
  readonly seconds: number;
}

const ALERTS = 50;
const PER_MUTATION = 10;
const VICTIMS = ['gateway', 'alerts', 'agents', 'redis'] as const;
const UPDATE =
  'mutation ($ids: [ID!]!, $input: UpdateAlertsInput!) { updateAlerts(ids: $ids, input: $input) { __typename ... on Alert { id version } } }';
/** Behind the last change, for the slowest client. */
const SETTLE_MS = 60_000;

export async function soakLive({
  seed,
  clients: count = 50,
  changes = 5_000,
}: LiveSoakOptions): Promise<LiveSoakOutcome> {
  const site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF' } });
  const began = Date.now();
  try {
    const ids = await openAlerts(site);
    const second = await createSecondIdentity(site);
    const clients = Array.from({ length: count }, (_, n) =>
      followAlerts(site.urls.gateway, n % 2 === 0 ? site.token : second),
    );
    await Promise.all(clients.map((client) => client.ready));
    await changeWhile(site, ids, changes, killEachInTurn(site, seededRandom(seed)));

    const expected = changesOf(await finalVersions(site, ids));
    await eventually(
      () => clients.every((client) => client.received.length >= expected.size),
      (all) => all,
      SETTLE_MS,
    ).catch(() => undefined);
    const problems = clients.flatMap((client) => problemOf(client, clients[0], expected) ?? []);
    await Promise.all(clients.map((client) => client.leave()));
    return {
      name: 'live',
      seed,
      met: problems.length === 0 && expected.size >= changes,
      passed: count - problems.length,
      total: count,
      changes: expected.size,
      problems,
      seconds: Math.round((Date.now() - began) / 1000),
    };
  } finally {
    await site.stop();
  }
}

export async function openAlerts(site: RunningSite): Promise<string[]> {
  await postEvents(
    site,
    toNdjson(Array.from({ length: ALERTS }, (_, n) => shadowCopiesDeleted(`WS-LIVE-${n}.corp.example`))),
  );
  const { alerts } = await eventually(
    () => site.client.query<{ alerts: { nodes: { id: string }[] } }>('{ alerts(first: 200) { nodes { id } } }'),
    (result) => result.alerts.nodes.length === ALERTS,
    30_000,
  );
  return alerts.nodes.map((alert) => alert.id);
}

/**
 * Changes alerts until `changes` are known to have been made and `faults` are over; a failed mutation may or may not have been.
 *
 * @param pauseMs - between two mutations.
 * @throws what the faults failed with
 */
export async function changeWhile(
  site: RunningSite,
  ids: readonly string[],
  changes: number,
  faults: Promise<void>,
  pauseMs = 0,
): Promise<void> {
  await underFaults([() => faults], async (state) => {
    for (let made = 0, n = 0; made < changes || !state.areOver; n++) {
      state.failed.throwIfAborted();
      const some = Array.from(
        { length: PER_MUTATION },
        (_, index) => ids[(n * PER_MUTATION + index) % ids.length] ?? '',
      );
      try {
        const { updateAlerts } = await site.client.query<{ updateAlerts: unknown[] }>(UPDATE, {
          ids: some,
          input: { assignee: `person-${n}` },
        });
        made += updateAlerts.length;
        if (pauseMs > 0) await wait(pauseMs);
      } catch {
        // Whatever part was away: what matters is that clients see what was committed, which is read from the versions below.
        await wait(50);
      }
    }
  });
}

async function killEachInTurn({ site }: RunningSite, random: Random): Promise<void> {
  const victims: string[] = [...VICTIMS];
  while (victims.length > 0) {
    await wait(between(random, 500, 2_500));
    const [victim = ''] = victims.splice(between(random, 0, victims.length - 1), 1);
    // Each is started again by its supervisor.
    if (victim === 'redis') site.killService('redis', 'SIGKILL');
    else site.killRole(victim, 'SIGKILL');
  }
}

export async function finalVersions(site: RunningSite, ids: readonly string[]): Promise<Map<string, number>> {
  const alerts = await eventually(
    async () => {
      // The part that was killed last may still be on its way back.
      const answer = await site.client
        .execute<{ alerts: { nodes: { id: string; version: number }[] } }>(
          '{ alerts(first: 200) { nodes { id version } } }',
        )
        .catch(() => undefined);
      return answer?.data?.alerts?.nodes;
    },
    (found) => found?.length === ids.length,
    30_000,
  );
  return new Map(alerts?.map((alert) => [alert.id, alert.version]));
}

/** Versions of alerts, by their ids. */
export type Versions = ReadonlyMap<string, number>;
const OPENED: Versions = new Map();
const versionIn = (versions: Versions, id: string): number => versions.get(id) ?? 1;

/** Every change that each client must have, as it notes them. @param since - what was there before it came; default: alerts as they were opened. */
export function changesOf(versions: Versions, since = OPENED): ReadonlySet<string> {
  return new Set(
    [...versions].flatMap(([id, last]) => {
      const first = versionIn(since, id);
      return Array.from({ length: last - first }, (_, n) => `${id} ${first + 1 + n}`);
    }),
  );
}

export function problemOf(
  client: LiveClient,
  first: LiveClient | undefined,
  expected: ReadonlySet<string>,
): string | undefined {
  const { received, resyncs, disconnects } = client;
  if (resyncs.length > 0) return `was told to read again: ${resyncs.join()}`;
  if (disconnects === 0) return 'was never cut off, so it shows nothing';
  const problem = orderProblem(received, expected);
  if (problem !== undefined) return problem;
  const other = received.findIndex((change, n) => change !== first?.received[n]);
  return other < 0 ? undefined : `has another order than the first client from its change ${other} on`;
}

/** What keeps a sequence from being each of the expected changes once, those of an alert by their versions. */
export function orderProblem(
  received: readonly string[],
  expected: ReadonlySet<string>,
  since = OPENED,
): string | undefined {
  if (received.length !== expected.size) return `has ${received.length} changes of ${expected.size}`;
  const versions = new Map(since);
  for (const change of received) {
    const [id = '', version] = change.split(' ');
    if (Number(version) !== versionIn(versions, id) + 1)
      return `has ${change} behind version ${versionIn(versions, id)}`;
    versions.set(id, Number(version));
  }
  return undefined;
}
