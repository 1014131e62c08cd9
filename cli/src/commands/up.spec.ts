/** The whole product by its built command line, as a person runs it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readProfiles } from '../home/credentials.js';
import { siteHome } from '../home/site-home.js';
import { readSiteState } from '../home/site-state.js';
import { siteRoles } from '../roles/role-table.js';
import { makeLongScratchFolder } from '../testing/long-scratch-folder.js';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 });

const PROGRAM = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
const scratch = makeLongScratchFolder();
const home = siteHome(scratch.path);
const baseEnvironment = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  AURORA_HOME: home.root,
  AURORA_PORTS: 'auto',
};

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
async function aurora(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<Ended> {
  const running = promisify(execFile)(process.execPath, [PROGRAM, ...args], {
    env: { ...baseEnvironment, ...options.env },
  });
  running.child.stdin?.end(options.input);
  try {
    return { code: 0, ...(await running) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

interface RunningUp {
  readonly child: ChildProcess;
  /** Everything it has printed. */
  output: string;
}

async function startUp(): Promise<RunningUp> {
  const child = spawn(process.execPath, [PROGRAM, 'up'], { env: baseEnvironment, stdio: ['ignore', 'pipe', 'pipe'] });
  const up: RunningUp = { child, output: '' };
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (up.output += text));
  await vi.waitFor(() => expect(up.output + child.exitCode).toMatch(/is ready|\d$/), {
    timeout: 120_000,
    interval: 50,
  });
  expect(up.output).toContain('is ready');
  return up;
}

function allPids(): number[] {
  const state = readSiteState(home.stateFile);
  return [...Object.values(state?.roles ?? {}), ...Object.values(state?.services ?? {})].flatMap(
    (its) => its.process?.pid ?? [],
  );
}

const runningOf = (pids: readonly number[]): number[] => pids.filter((pid) => existsSync(`/proc/${pid}`));

/** PostgreSQL, Redis and Mosquitto. */
const EMBEDDED_SERVICES = 3;

describe('aurora up', () => {
  let up: RunningUp;

  beforeAll(async () => {
    up = await startUp();
  });
  afterAll(async () => {
    if (up.child.exitCode === null && up.child.signalCode === null) {
      up.child.kill('SIGTERM');
      await once(up.child, 'exit');
    }
    scratch.remove();
  });

  it('says where everything is, with a token that works', async () => {
    const { local } = readProfiles(home.credentialsFile);
    expect(up.output).toContain(`Login token  ${local?.token}`);
    expect(up.output).toContain('npm run -s aurora -- tail --sample');
    expect(up.output).toContain(`${local?.url.replace('http', 'ws')}/graphql`);
    const shown = await aurora(['token', 'show']);
    expect(shown.stdout.trim()).toBe(local?.token);
  });

  it('passes its own check', async () => {
    const { code, stdout } = await aurora(['status', '--check', '--json']);
    const report = JSON.parse(stdout);
    expect(report.check.filter(({ isOk }: { isOk: boolean }) => !isOk)).toEqual([]);
    expect(code).toBe(0);
  });

  it('takes events of any layout from standard input and names their trace', async () => {
    const { code, stdout } = await aurora(['send', '-', '--json'], { input: '{\n "a": 1\n}\n{"b":2}{"c":3}' });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 3, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it('plays the sample into its own tenant', async () => {
    await vi.waitFor(() => expect(up.output).toMatch(/The sample scenario is in: \d+ events/), {
      timeout: 60_000,
      interval: 200,
    });
    expect(existsSync(home.samplePlayedFile)).toBe(true);
  });

  it('is found healthy by doctor', async () => {
    const { code, stdout } = await aurora(['doctor', '--json']);
    expect(JSON.parse(stdout).filter(({ state }: { state: string }) => state === 'fail')).toEqual([]);
    expect(code).toBe(0);
  });

  it('refuses a second supervisor in one line', async () => {
    const { code, stderr } = await aurora(['up']);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(`in use by process ${up.child.pid}`);
  });

  it('notices a process that is gone, and starts it again', async () => {
    const before = readSiteState(home.stateFile)?.roles.gateway?.process?.pid ?? 0;
    process.kill(before, 'SIGKILL');
    await vi.waitFor(
      () => expect(readSiteState(home.stateFile)?.roles.gateway).toMatchObject({ state: 'running', restarts: 1 }),
      {
        timeout: 20_000,
        interval: 50,
      },
    );
    expect((await aurora(['status'])).code).toBe(0);
  });

  it('takes everything with it when it is killed, and starts again on the same data', async () => {
    const credentials = readFileSync(home.credentialsFile, 'utf8');
    const pids = allPids();
    expect(pids).toHaveLength(siteRoles(0).length + EMBEDDED_SERVICES);
    up.child.kill('SIGKILL');
    await vi.waitFor(() => expect(runningOf(pids)).toEqual([]), { timeout: 5_000, interval: 50 });
    expect((await aurora(['status'])).stderr).toContain('NOT_RUNNING');
    up = await startUp();
    expect(readFileSync(home.credentialsFile, 'utf8')).toBe(credentials);
    // The sample was played, so there is nothing of it to follow.
    expect(up.output).toContain('npm run -s aurora -- sample play');
    expect(up.output).not.toContain('tail --sample');
  });

  it('ends in order on Ctrl-C, also when npm passes it on a second time', async () => {
    const pids = allPids();
    up.child.kill('SIGINT');
    up.child.kill('SIGINT');
    const [code] = await once(up.child, 'exit');
    expect(code).toBe(0);
    expect(up.output).toContain('Stopped');
    expect(runningOf(pids)).toEqual([]);
  });
});

describe('aurora', () => {
  it.each([
    [
      ['serve', '--role', 'nobody'],
      {},
      1,
      /^aurora: UNKNOWN_ROLE .*gateway, fleet, ingest, alerts, .*alerts-worker, .* and agent:<name> for one agent alone\n$/,
    ],
    [
      ['serve', '--role', 'gateway'],
      { GRAPHQL_MAX_DEPTH: 'deep' },
      1,
      /^aurora: CONFIGURATION_INVALID: .*GRAPHQL_MAX_DEPTH.*\n$/,
    ],
    [
      ['up'],
      { PORT: 'many' },
      1,
      /^aurora: CONFIGURATION_INVALID: PORT: must be a whole number .*\(example: PORT=8000\)\n$/,
    ],
    [
      ['up'],
      { PORT: 'many', INVESTIGATE_FROM_SEVERITY: 'WHATEVER', INGEST_SPOOL_MAX_BATCHES: '0', GRAPHQL_MAX_DEPTH: 'deep' },
      1,
      /^aurora: CONFIGURATION_INVALID: (?=.*; GRAPHQL_MAX_DEPTH: )(?=.*; INGEST_SPOOL_MAX_BATCHES: )(?=.*; INVESTIGATE_FROM_SEVERITY: )PORT: .*\n$/,
    ],
    [['migrate'], {}, 1, /^aurora: CONFIGURATION_INVALID: DATABASE_URL: is not set.*\n$/],
    [['status'], { AURORA_HOME: '/nowhere' }, 1, /^aurora: NOT_RUNNING: .*\n$/],
    [['tail'], { AURORA_HOME: '/nowhere' }, 1, /^aurora: NO_CREDENTIALS: .*AURORA_URL.*\n$/],
    [['tail'], { AURORA_URL: 'http://127.0.0.1:1', AURORA_TOKEN: 'x' }, 1, /^aurora: SERVICE_UNAVAILABLE: .*\n$/],
    [['fly'], {}, 2, /unknown command 'fly'/],
  ])('%j with %j ends with one clear line', async (args, env, code, line) => {
    const ended = await aurora(args, { env: env as Record<string, string> });
    expect(ended.stderr).toMatch(line);
    expect(ended.code).toBe(code);
  });

  it('names the taken port of a site and the variable that moves it, before anything is started', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const other = makeLongScratchFolder();
    const env = {
      AURORA_PORTS: 'fixed',
      PORT: String(port),
      ALERTS_PORT: '0',
      AGENTS_PORT: '0',
      A2A_BASE_PORT: '0',
      INGEST_PORT: '0',
    };
    const { code, stderr } = await aurora(['up'], { env: { ...env, AURORA_HOME: `${other.path}/home` } });
    server.close();
    other.remove();
    expect(stderr).toMatch(
      new RegExp(`^aurora: PORT_TAKEN \\(PORT\\): Port ${port} of gateway .*PORT=<port>, or .*AURORA_PORTS=auto\n$`),
    );
    expect(code).toBe(1);
  });
});
