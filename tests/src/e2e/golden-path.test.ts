/** `aurora status --check` is green on a running site, and red when any one process or service is stopped. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aurora, type CommandResult } from '../support/cli.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';

const ROLES = [
  'alerts',
  'agents',
  'memory',
  'playbooks',
  'devices',
  'federation',
  'fleet',
  'ingest',
  'gateway',
] as const;
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

/** Health follows a recovery within 15 s, without a restart of anything else. */
async function expectGreenSoon(): Promise<void> {
  const green = await eventually(check, ({ code }) => code === 0, 15_000);
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
