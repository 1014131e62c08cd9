import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { surveySite } from '../health/survey-site.js';
import { siteHome } from '../home/site-home.js';
import { readSiteState } from '../home/site-state.js';
import { siteRoles } from '../roles/role-table.js';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';
import type { Site } from './site.js';
import { startSite } from './start-site.js';

vi.setConfig({ testTimeout: 30_000 });

const FAKE_ROLE = fileURLToPath(new URL('../testing/fake-role.ts', import.meta.url));
const FAKES = new Set(['alerts', 'ingest', 'gateway']);

/** A site of stand-ins on services that nobody asks anything of. */
function start(
  home: string,
  variables: Readonly<Record<string, string | undefined>> = {},
  signal?: AbortSignal,
  log?: (line: string) => void,
  roles = siteRoles(0).filter(({ name }) => FAKES.has(name)),
): Promise<Site> {
  return startSite({
    home,
    ports: 'auto',
    variables: {
      DATABASE_URL: 'postgres://admin:secret@127.0.0.1:1/x',
      REDIS_URL: 'redis://127.0.0.1:1',
      ...variables,
    },
    ...(signal && { signal }),
    ...(log && { log }),
    parts: {
      roles,
      argsFor: ({ name }) => [FAKE_ROLE, name],
      prepareStorage: async () => undefined,
    },
  });
}

async function startKept(): Promise<Site> {
  const site = await start(makeScratchFolder());
  onTestFinished(() => site.stop());
  return site;
}

const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`);

describe('a site', () => {
  it('is described by its state file, which holds no secret', async () => {
    const site = await startKept();
    const state = readSiteState(site.home.stateFile);
    expect(state?.supervisor.pid).toBe(process.pid);
    expect(state?.urls).toEqual(site.urls);
    expect(Object.values(state?.roles ?? {}).map((role) => role.state)).toEqual(['running', 'running', 'running']);
    expect(Object.values(state?.roles ?? {}).map((role) => role.process?.pid)).toEqual(Object.values(site.pids.roles));
    expect(readFileSync(site.home.stateFile, 'utf8')).not.toContain('secret');
  });

  it('has workers in processes of their own, which serve nothing but their health', async () => {
    const roles = siteRoles(1).filter(({ name }) => ['alerts', 'alerts-worker-1'].includes(name));
    const site = await start(makeScratchFolder(), {}, undefined, undefined, roles);
    onTestFinished(() => site.stop());
    expect(site.state.roles['alerts-worker-1']).toMatchObject({ state: 'running', restarts: 0 });
    expect(await surveySite(site.state)).toContainEqual(
      expect.objectContaining({ name: 'alerts-worker-1', state: 'up' }),
    );
  });

  it('starts a role again that dies, and counts it', async () => {
    const site = await startKept();
    const before = site.pids.roles.gateway;
    site.killRole('gateway', 'SIGKILL');
    await vi.waitFor(() => expect(site.state.roles.gateway).toMatchObject({ state: 'running', restarts: 1 }), 10_000);
    expect(site.pids.roles.gateway).not.toBe(before);
  });

  it('keeps roles and services alive on a disk that takes no state file, and has the file again once it does', async () => {
    const lines: string[] = [];
    const variables = { REDIS_URL: undefined };
    const site = await start(makeScratchFolder(), variables, undefined, (line) => lines.push(line));
    onTestFinished(() => site.stop());
    const { stateFile, runDir } = site.home;
    rmSync(stateFile);
    mkdirSync(stateFile); // where no file can be moved to, by root neither
    site.killRole('gateway', 'SIGKILL');
    site.killService('redis', 'SIGKILL');
    const isBack = () => {
      expect(site.state.roles.gateway).toMatchObject({ state: 'running', restarts: 1 });
      expect(site.state.services.redis).toMatchObject({ state: 'running', restarts: 1 });
    };
    await vi.waitFor(isBack, { timeout: 20_000 });
    expect(lines.filter((line) => line.includes('state.json cannot be kept'))).toHaveLength(1);
    expect(readdirSync(runDir).filter((name) => name.endsWith('.tmp'))).toEqual([]);

    rmdirSync(stateFile);
    await vi.waitFor(() => expect(readSiteState(stateFile)).toEqual(site.state), { timeout: 10_000, interval: 100 });
  });

  it('keeps a stopped role down until it is started', async () => {
    const site = await startKept();
    await site.stopRole('ingest');
    const survey = async () => (await surveySite(site.state)).find(({ name }) => name === 'ingest');
    expect(await survey()).toMatchObject({ state: 'down', problem: 'stopped' });
    await site.startRole('ingest');
    expect(await survey()).toMatchObject({ state: 'up', restarts: 0 });
  });

  it('shows a role that hangs as down although it runs', async () => {
    const site = await startKept();
    site.killRole('alerts', 'SIGSTOP');
    const alerts = (await surveySite(site.state)).find(({ name }) => name === 'alerts');
    expect(alerts).toMatchObject({ state: 'down', supervised: 'running' });
    expect(alerts?.problem).toContain('does not answer');
  });

  it.each([
    ['that blocks itself', 'SIGUSR2'],
    ['that is stopped by a signal', 'SIGSTOP'],
  ] as const)(
    'kills a role %s once it has not answered for long enough, says so, and starts it again',
    async (_how, signal) => {
      const lines: string[] = [];
      const site = await start(makeScratchFolder(), { AURORA_HANG_SECONDS: '2' }, undefined, (line) =>
        lines.push(line),
      );
      onTestFinished(() => site.stop());
      const before = site.pids.roles;
      site.killRole('gateway', signal);
      await vi.waitFor(() => expect(site.state.roles.gateway).toMatchObject({ state: 'running', restarts: 1 }), 15_000);
      expect(lines).toEqual([
        'gateway has not answered for 2 s; killing it',
        'gateway ended unexpectedly (SIGKILL); starting it again in 0.2 s',
      ]);
      expect(isRunning(before.gateway ?? 0)).toBe(false);
      expect(site.pids.roles).toMatchObject({ alerts: before.alerts, ingest: before.ingest });
    },
  );

  it('leaves a role alone that takes its time to stop, or answers again in time', async () => {
    const lines: string[] = [];
    const site = await start(makeScratchFolder(), { AURORA_HANG_SECONDS: '4' }, undefined, (line) => lines.push(line));
    onTestFinished(() => site.stop());
    site.killRole('alerts', 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    site.killRole('alerts', 'SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await site.stopRole('alerts');
    expect(lines).toEqual([]);
  });

  it('ends every process when it stops, and gives its folder free', async () => {
    const site = await start(makeScratchFolder());
    const pids = Object.values(site.pids.roles);
    await site.stop();
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(site.home.stateFile)).toBe(false);
    const again = await start(site.home.root);
    await again.stop();
  });

  it('says in one line why a role did not come up, and leaves nothing running', async () => {
    const folder = makeScratchFolder();
    const starting = start(folder, { FAKE_ROLE_FAILS: 'gateway' });
    await expect(starting).rejects.toMatchObject({
      code: 'ROLE_NOT_READY',
      publicMessage: expect.stringMatching(
        /^gateway ended with code 1 before it was ready: .*FAKE_LIMIT: must be a number \(log: /,
      ),
    });
    const { runDir } = siteHome(folder);
    expect(existsSync(`${runDir}/alerts.json`)).toBe(false);
    expect(existsSync(`${runDir}/state.json`)).toBe(false);
  });

  it('gives up on a role that does not get ready in time', async () => {
    const variables = { FAKE_ROLE_HANGS: 'alerts', AURORA_START_TIMEOUT_SECONDS: '2' };
    await expect(start(makeScratchFolder(), variables)).rejects.toMatchObject({
      publicMessage: expect.stringContaining('alerts is not ready after 2 s'),
    });
  });

  it('ends what it has started when its start is interrupted', async () => {
    const interrupt = new AbortController();
    const folder = makeScratchFolder();
    const starting = start(folder, { FAKE_ROLE_HANGS: 'alerts' }, interrupt.signal);
    const { stateFile } = siteHome(folder);
    const running = await vi.waitFor(() => {
      const pids = Object.values(readSiteState(stateFile)?.roles ?? {}).flatMap(({ process: its }) => its?.pid ?? []);
      expect(pids).toHaveLength(3);
      return pids;
    }, 10_000);
    interrupt.abort();
    await expect(starting).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(running.filter(isRunning)).toEqual([]);
  });

  it('looks at its ports before it starts anything, whatever else lies where it keeps what runs', async () => {
    const folder = makeScratchFolder();
    const { runDir } = siteHome(folder);
    mkdirSync(runDir);
    for (const name of ['notes.txt', 'torn.json', 'state.json.x.tmp']) writeFileSync(`${runDir}/${name}`, '{"guard":');
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const variables = { AURORA_PORTS: 'fixed', PORT: String(port), ALERTS_PORT: '0', INGEST_PORT: '0' };
    const parts = { roles: siteRoles(0).filter(({ name }) => name === 'gateway') };
    await expect(startSite({ home: folder, variables, parts })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    expect(readdirSync(folder)).toEqual(['run']);
  });

  it('lists every bad variable before it starts anything', async () => {
    const folder = makeScratchFolder();
    await expect(start(`${folder}/home`, { PORT: 'x', LOG_LEVEL: 'loud' })).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      publicMessage: expect.stringMatching(/(?=.*LOG_LEVEL: )(?=.*PORT: )/s),
    });
    expect(existsSync(`${folder}/home`)).toBe(false);
  });
});
