/** What says how a site is: green while it runs, red when any one process or service is stopped, green again when it is back. */
import { siteRoles } from '@aurorasoc/cli/roles';
import { sleep } from '@aurorasoc/kit/lifecycle';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aurora, type CommandResult } from '../support/cli.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';

const ROLES = siteRoles(0).map(({ name }) => name);
const SERVICES = ['redis', 'postgres', 'mosquitto'] as const;

let site: RunningSite;

beforeAll(async () => {
  site = await startTestSite();
});

afterAll(() => site?.stop());

function check(): Promise<CommandResult> {
  return aurora(['status', '--check'], {
    env: { ...site.cliEnvironment, AURORA_CHECK_TIMEOUT_SECONDS: '20' },
    timeoutMs: 60_000,
  });
}

/** Health follows a recovery without a restart of anything else: within 15 s, or four times that on a busy machine. */
async function expectGreenSoon(): Promise<void> {
  const green = await eventually(check, ({ code }) => code === 0, 60_000);
  expect(green.code, green.stdout + green.stderr).toBe(0);
}

describe('the golden path check', () => {
  it('is green on a running site', async () => {
    const result = await check();
    expect(result.code, result.stdout + result.stderr).toBe(0);
  });

  it.each(ROLES)('is red without %s, and green when it is back', { timeout: 180_000 }, async (role) => {
    await site.site.stopRole(role);
    const red = await check();
    expect(red.code, red.stdout).toBe(1);
    expect(red.stdout + red.stderr).toContain(role);
    await site.site.startRole(role);
    await expectGreenSoon();
  });

  it.each(SERVICES)('is red without %s, and green when it is back', { timeout: 180_000 }, async (service) => {
    await site.site.stopService(service);
    const red = await check();
    expect(red.code, red.stdout).toBe(1);
    expect(red.stdout + red.stderr).toContain(service);
    await site.site.startService(service);
    await expectGreenSoon();
  });
});

/** Asks until there is an answer, as a client does whose connection or whose server died: it cannot know what was done. */
async function rememberSurely(key: string): Promise<string> {
  const answer = await eventually(
    () =>
      site.client
        .query<{ remember: { id: string } }>(
          'mutation ($key: String) { remember(input: { tier: WORKING, title: "Note", text: "Kept once", key: $key }) { id } }',
          { key },
        )
        .catch(() => undefined),
    (found) => found !== undefined,
    60_000,
  );
  return answer?.remember.id ?? '';
}

describe('the graph', () => {
  it('makes a change once that is asked for under its key until it is answered, while PostgreSQL and the domain are killed', async () => {
    const keys = Array.from({ length: 60 }, (_, n) => `note ${n}`);
    const remembering = keys.map(async (key, n) => {
      await sleep(n * 60);
      return rememberSurely(key);
    });
    for (const fault of [
      () => site.site.killService('postgres', 'SIGKILL'),
      () => site.site.killRole('memory', 'SIGKILL'),
      () => site.site.killService('postgres', 'SIGKILL'),
    ]) {
      await sleep(1_000);
      fault();
    }
    const ids = await Promise.all(remembering);
    expect(await Promise.all(keys.map(rememberSurely))).toEqual(ids);
    const { memoryEntries } = await site.client.query<{ memoryEntries: { nodes: { id: string }[] } }>(
      '{ memoryEntries(filter: { tiers: [WORKING] }, first: 100) { nodes { id } } }',
    );
    expect(memoryEntries.nodes.map(({ id }) => id).sort()).toEqual(ids.toSorted());
  });

  it('knows the site by a key of its own, and by an id that a restart keeps', async () => {
    const ask = () =>
      site.client.query<{ site: Record<string, string> }>('{ site { id name keyId publicKey createdAt } }');
    const before = await ask();
    expect(before.site).toMatchObject({
      name: 'local',
      keyId: expect.stringMatching(/^[\w-]{43}$/),
      publicKey: expect.stringContaining('BEGIN PUBLIC KEY'),
    });
    await site.site.stopRole('federation');
    await site.site.startRole('federation');
    expect(
      await eventually(
        () => ask().catch(() => undefined),
        (answer) => answer !== undefined,
      ),
    ).toEqual(before);
  });

  it('shows how each process of the site is, and a dead one costs its own row only', async () => {
    interface Service {
      readonly name: string;
      readonly state: string;
      readonly problem: string | null;
      readonly components: readonly { readonly name: string; readonly state: string; readonly since: string }[];
    }
    const ask = async () =>
      (
        await site.client.query<{ siteHealth: { mode: string; state: string; services: Service[] } }>(
          '{ siteHealth { mode state checkedAt services { name state problem components { name state since reason } } } }',
        )
      ).siteHealth;
    const well = await eventually(ask, ({ state }) => state === 'UP', 20_000);
    expect(well.mode).toBe('REAL');
    expect(well.services.map(({ name }) => name).sort()).toEqual(Object.keys(site.site.state.roles).sort());
    expect(well.services.find(({ name }) => name === 'alerts')?.components).toContainEqual(
      expect.objectContaining({ name: 'postgres', state: 'UP' }),
    );

    await site.site.stopRole('fleet');
    const hurt = await eventually(ask, ({ services }) => services.some(({ state }) => state === 'DOWN'));
    expect(hurt.state).toBe('DEGRADED');
    const dead = hurt.services.filter(({ state }) => state === 'DOWN');
    expect(dead).toEqual([{ name: 'fleet', state: 'DOWN', problem: expect.any(String), components: [] }]);
    await site.site.startRole('fleet');
  });
});
