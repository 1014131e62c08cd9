/**
 * Fifty clients, five thousand changes, and every part between killed and started again meanwhile: each client that resumes
 * by cursor has each change once, in version order, and all have the same sequence.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shadowCopiesDeleted, toNdjson } from '../support/events.js';
import { followAlerts, type LiveClient } from '../support/live-client.js';
import { createSecondIdentity, postEvents } from '../support/public-doors.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';

const CLIENTS = 50;
const ALERTS = 50;
const CHANGES = 5_000;
const PER_MUTATION = 10;
const UPDATE =
  'mutation ($ids: [ID!]!, $input: UpdateAlertsInput!) { updateAlerts(ids: $ids, input: $input) { __typename ... on Alert { id version } } }';

let site: RunningSite;

beforeAll(async () => {
  site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF' } });
});

afterAll(() => site?.stop());

async function openAlerts(): Promise<string[]> {
  await postEvents(
    site,
    toNdjson(Array.from({ length: ALERTS }, (_, n) => shadowCopiesDeleted(`WS-LIVE-${n}.corp.example`))),
  );
  const { alerts } = await eventually(
    () => site.client.query<{ alerts: { nodes: { id: string }[] } }>('{ alerts(first: 200) { nodes { id } } }'),
    (result) => result.alerts.nodes.length === ALERTS,
  );
  return alerts.nodes.map((alert) => alert.id);
}

/** Changes alerts until `CHANGES` changes are known to have been made; a failed mutation may or may not have been. */
async function changeAlerts(ids: readonly string[]): Promise<void> {
  for (let made = 0, n = 0; made < CHANGES; n++) {
    const some = Array.from({ length: PER_MUTATION }, (_, index) => ids[(n * PER_MUTATION + index) % ids.length] ?? '');
    try {
      const { updateAlerts } = await site.client.query<{ updateAlerts: unknown[] }>(UPDATE, {
        ids: some,
        input: { assignee: `person-${n}` },
      });
      made += updateAlerts.length;
    } catch {
      // Whatever part was away: what matters is that clients see what was committed, which is read from the versions below.
      await wait(50);
    }
  }
}

async function killEachInTurn(): Promise<void> {
  for (const victim of ['gateway', 'alerts', 'agents', 'redis'] as const) {
    await wait(1_500);
    // Each is started again by its supervisor.
    if (victim === 'redis') site.site.killService('redis', 'SIGKILL');
    else site.site.killRole(victim, 'SIGKILL');
  }
}

async function finalVersions(ids: readonly string[]): Promise<Map<string, number>> {
  const { alerts } = await eventually(
    () =>
      site.client.execute<{ alerts: { nodes: { id: string; version: number }[] } }>(
        '{ alerts(first: 200) { nodes { id version } } }',
      ),
    (result) => result.data?.alerts?.nodes.length === ids.length,
    30_000,
  ).then((result) => result.data ?? { alerts: { nodes: [] } });
  return new Map(alerts.nodes.map((alert) => [alert.id, alert.version]));
}

describe('live fields', () => {
  it('give every resuming client each change once and in order, while everything is killed', {
    timeout: 240_000,
  }, async () => {
    const ids = await openAlerts();
    const second = await createSecondIdentity(site);
    const clients: LiveClient[] = Array.from({ length: CLIENTS }, (_, n) =>
      followAlerts(site.site.urls.gateway, n % 2 === 0 ? site.token : second),
    );
    await Promise.all(clients.map((client) => client.ready));

    await Promise.all([changeAlerts(ids), killEachInTurn()]);
    const versions = await finalVersions(ids);
    const expected = [...versions.values()].reduce((sum, version) => sum + version - 1, 0);
    expect(expected).toBeGreaterThanOrEqual(CHANGES);

    await eventually(
      () => clients.map((client) => client.received.length),
      (counts) => counts.every((count) => count >= expected),
      60_000,
    );
    const [first] = clients;
    expect(first?.received).toHaveLength(expected);
    expect(new Set(first?.received).size).toBe(expected);
    for (const [alertId, changes] of Map.groupBy(first?.received ?? [], (change) => change.split(' ')[0] ?? '')) {
      expect(changes, alertId).toEqual(
        Array.from({ length: (versions.get(alertId) ?? 0) - 1 }, (_, n) => `${alertId} ${n + 2}`),
      );
    }
    for (const client of clients) {
      expect(client.resyncs).toEqual([]);
      expect(client.received).toEqual(first?.received);
      expect(client.disconnects).toBeGreaterThan(0);
    }
    await Promise.all(clients.map((client) => client.leave()));
  });

  it('share an upstream between equal subscriptions of one identity, never between two, and close it with the last reader', async () => {
    const second = await createSecondIdentity(site);
    const upstreams = async (): Promise<number> =>
      Number(
        /^aurora_ws_upstreams(?:\{[^}]*\})? (\d+)/m.exec(
          await (await fetch(`${site.site.urls.gateway}/metrics`)).text(),
        )?.[1],
      );
    await eventually(upstreams, (open) => open === 0);
    const follow = async (token: string): Promise<LiveClient> => {
      const client = followAlerts(site.site.urls.gateway, token);
      await client.ready;
      return client;
    };
    const clients = [await follow(site.token), await follow(site.token), await follow(site.token)];
    await eventually(upstreams, (open) => open === 1);
    clients.push(await follow(second));
    await eventually(upstreams, (open) => open === 2);
    await Promise.all(clients.map((client) => client.leave()));
    await eventually(upstreams, (open) => open === 0, 5_000);
  });
});
