/** What a person who is new does in the first hour, by the lines of the README: sample, tail, send, events, a client of their own. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@aurorasoc/cli/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aurora } from '../support/cli.js';
import { shadowCopiesDeleted } from '../support/events.js';
import { type RunningExample, startExample } from '../support/example.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';

const QUEUE = '{ alerts(first: 200) { nodes { id severity investigations { finishedAt } } } }';

interface Queue {
  alerts: { nodes: { id: string; severity: string; investigations: { finishedAt: string | null }[] }[] };
}

let site: RunningSite;

beforeAll(async () => {
  site = await startTestSite();
});

afterAll(() => site?.stop());

const run = (...args: string[]) => aurora(args, { env: site.cliEnvironment });

/** Plays the sample and waits until `alerts` are in its tenant and all that are severe were investigated. */
async function playSample(alerts: number): Promise<Queue> {
  const played = await run('sample', 'play', '--fast');
  expect(played.code, played.stderr).toBe(0);
  const { url, token } = site.site.profiles.sample;
  const client = createClient({ url, token });
  return eventually(
    () => client.query<Queue>(QUEUE),
    ({ alerts: { nodes } }) =>
      nodes.length >= alerts &&
      nodes.every(
        ({ severity, investigations }) =>
          !['HIGH', 'CRITICAL'].includes(severity) || investigations.some(({ finishedAt }) => finishedAt !== null),
      ),
    60_000,
  );
}

describe('the first hour', () => {
  it('shows fresh alerts and investigations at each play of the sample, and tail begins with them', {
    timeout: 150_000,
  }, async () => {
    const first = (await playSample(10)).alerts.nodes.length;
    const second = await playSample(2 * first);
    expect(second.alerts.nodes).toHaveLength(2 * first);

    const tail = await aurora(['tail', '--sample', '--last', '100'], { env: site.cliEnvironment, timeoutMs: 6_000 });
    const [header, ...lines] = tail.stdout.trimEnd().split('\n');
    expect(header).toBe(`Following tenant sample (profile "sample") at ${site.urls.gateway}; Ctrl-C ends it`);
    expect(lines.filter((line) => / {2}\w+ +OPEN {3}/.test(line))).toHaveLength(2 * first);
    expect(lines.filter((line) => line.includes('| investigation ended: ')).length).toBeGreaterThanOrEqual(first);
    expect(tail.stderr).toBe('');
  });

  it('answers the question of the README, each token with its own tenant', async () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const [, body = ''] = /TOKEN=\$\(npm run -s aurora -- token show sample\)[^`]*?-d '([^']+)'/.exec(readme) ?? [];
    const ask = async (profile: string): Promise<number> => {
      const token = (await run('token', 'show', profile)).stdout.trim();
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const response = await fetch(`${site.urls.gateway}/graphql`, { method: 'POST', headers, body });
      return ((await response.json()) as { data: { alerts: { nodes: unknown[] } } }).data.alerts.nodes.length;
    };
    expect(await ask('sample')).toBe(5);
    expect(await ask('local')).toBe(0);
  });

  it('finds what was sent, and says of a line that was not understood that it is kept raw', {
    timeout: 120_000,
  }, async () => {
    const host = 'WS-HOUR-01.corp.example';
    await aurora(['send', '-'], { env: site.cliEnvironment, input: JSON.stringify(shadowCopiesDeleted(host)) });
    const found = await eventually(
      () => run('events', `host.name:"${host}"`),
      ({ stdout }) => stdout !== '',
      30_000,
    );
    expect(found.stdout).toMatch(/ 1 · WS-HOUR-01\.corp\.example · /);

    await aurora(['send', '-'], { env: site.cliEnvironment, input: 'no event at all\n' });
    const newest = await eventually(
      () => run('events', '--limit', '1', '--json'),
      ({ stdout }) => JSON.parse(stdout).isRaw === true,
      30_000,
    );
    expect(JSON.parse(newest.stdout)).toMatchObject({ isRaw: true, original: 'no event at all' });
    expect(await run('events', 'host.name:"nobody"')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('no stored event'),
    });
    expect(await run('events', 'free text')).toMatchObject({ code: 1 });
  });

  it("keeps an integrator's place: over a killed gateway, and from run to run", { timeout: 120_000 }, async () => {
    const cursorFile = join(site.home, 'alerts.cursor');
    const first = followAlerts(cursorFile);
    await eventually(
      () => existsSync(cursorFile),
      (isThere) => isThere,
    );
    await openAlert('WS-INT-1');
    await eventually(
      () => first.output,
      (text) => text.includes('OPENED'),
    );
    site.site.killRole('gateway', 'SIGKILL');
    await openAlert('WS-INT-2');
    await eventually(
      () => first.output,
      (text) => text.split('OPENED').length === 3,
      30_000,
    );
    await first.stop();

    await openAlert('WS-INT-3');
    const second = followAlerts(cursorFile);
    await eventually(
      () => second.output,
      (text) => text.includes('OPENED'),
      20_000,
    );
    expect(second.output.split('OPENED')).toHaveLength(2);
    await second.stop();
  });
});

async function openAlert(host: string): Promise<void> {
  const sent = await aurora(['send', '-'], {
    env: site.cliEnvironment,
    input: JSON.stringify(shadowCopiesDeleted(`${host}.corp.example`)),
  });
  expect(sent.code, sent.stderr).toBe(0);
}

/** As the README says to run it. */
const followAlerts = (cursorFile: string): RunningExample =>
  startExample('follow-alerts.mjs', {
    TOKEN: site.token,
    AURORA_WS: `${site.urls.gateway.replace(/^http/, 'ws')}/graphql`,
    CURSOR_FILE: cursorFile,
  });
