import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startServices } from '../start-services.js';
import { killSupervisor, runSupervisor, type SupervisorAnswer } from '../testing/run-supervisor.js';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { waitUntilGone } from './end-process.js';
import { isAlive, type ProcessIdentity, readProcessIdentity } from './process-identity.js';
import { endLeftovers, RunRecordFile } from './run-records.js';

vi.setConfig({ testTimeout: 60_000 });

const ALL_GONE_WITHIN_MS = 5_000;

function identify(pid: number): ProcessIdentity {
  const identity = readProcessIdentity(pid);
  if (identity === undefined) throw new Error(`No process ${pid}`);
  return identity;
}

function identifyServices({ pids }: SupervisorAnswer): { guards: ProcessIdentity[]; services: ProcessIdentity[] } {
  const all = Object.values(pids);
  expect(all).toHaveLength(2);
  return { guards: all.map(({ guard }) => identify(guard)), services: all.map(({ service }) => identify(service)) };
}

/** The session id, field 6 of proc_pid_stat(5). */
function readSession(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6 - 3]);
}

/** Holds a transaction and a blocking read open: what a shutdown that waits for its clients would wait for. */
async function keepBusy(answer: SupervisorAnswer): Promise<void> {
  const client = new pg.Client({ connectionString: answer.postgres?.url });
  client.on('error', () => {});
  await client.connect();
  await client.query('begin; create table unfinished (id int)');
  const redis = new Redis(answer.redis?.url ?? '', { retryStrategy: () => null });
  redis.on('error', () => {});
  redis.xread('BLOCK', 0, 'STREAMS', 'nothing', '$').catch(() => {});
  onTestFinished(() => redis.disconnect());
}

describe('a supervisor that is killed', () => {
  it('takes its services with it within five seconds, busy or not', async () => {
    const { child, answer } = await runSupervisor({
      dataDir: join(makeScratchFolder(), 'data'),
      services: ['postgres', 'redis'],
      durable: true,
    });
    const { guards, services } = identifyServices(answer);
    await keepBusy(answer);
    const killedAt = performance.now();
    await killSupervisor(child);
    for (const process of [...services, ...guards]) expect(await waitUntilGone(process, ALL_GONE_WITHIN_MS)).toBe(true);
    expect(performance.now() - killedAt).toBeLessThan(ALL_GONE_WITHIN_MS);
  });

  it('takes along a service that does not answer its signal', async () => {
    const { child, answer } = await runSupervisor({
      dataDir: join(makeScratchFolder(), 'data'),
      services: ['postgres', 'redis'],
      durable: false,
    });
    const { services } = identifyServices(answer);
    for (const { pid } of services) process.kill(pid, 'SIGSTOP');
    const killedAt = performance.now();
    await killSupervisor(child);
    for (const service of services) expect(await waitUntilGone(service, ALL_GONE_WITHIN_MS)).toBe(true);
    expect(performance.now() - killedAt).toBeLessThan(ALL_GONE_WITHIN_MS);
  });

  it('and its guards, too: the next start ends the leftovers and has their data', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    const { child, answer } = await runSupervisor({ dataDir, services: ['postgres', 'redis'], durable: false });
    const { guards, services } = identifyServices(answer);
    const redis = new Redis(answer.redis?.url ?? '', { retryStrategy: () => null });
    onTestFinished(() => redis.disconnect());
    await redis.set('mark', '42');

    // The supervisor must not see its guards go, or it would end the services itself.
    child.kill('SIGSTOP');
    for (const { pid } of guards) process.kill(pid, 'SIGKILL');
    await killSupervisor(child);
    expect(services.map(isAlive)).toEqual([true, true]);

    const lines: string[] = [];
    const next = await startServices({
      dataDir,
      services: ['postgres', 'redis'],
      durable: false,
      log: (line) => lines.push(line),
    });
    onTestFinished(() => next.stop());
    expect(services.map(isAlive)).toEqual([false, false]);
    expect(lines.sort()).toEqual([
      expect.stringMatching(/^Ending postgres left over/),
      expect.stringMatching(/^Ending redis left over/),
    ]);
    expect([next.postgres, next.redis]).toEqual([answer.postgres, answer.redis]);
    const again = new Redis(next.redis?.url ?? '');
    onTestFinished(() => again.disconnect());
    expect(await again.get('mark')).toBe('42');
  });
});

describe('services', () => {
  it('are in sessions of their own, so that Ctrl-C in a terminal does not end them before the supervisor does', async () => {
    const { child, answer } = await runSupervisor({
      dataDir: join(makeScratchFolder(), 'data'),
      services: ['redis'],
      durable: false,
    });
    const { guard, service } = answer.pids.redis ?? { guard: 0, service: 0 };
    expect([guard, service].map(readSession)).toEqual([guard, guard]);
    expect(readSession(child.pid ?? 0)).not.toBe(guard);
  });
});

describe('a guard that is killed alone', () => {
  it('has its service ended by the supervisor, which reports it', async () => {
    const ended = Promise.withResolvers<string>();
    const services = await startServices({
      dataDir: join(makeScratchFolder(), 'data'),
      services: ['redis'],
      durable: false,
      log: () => {},
      onExit: ended.resolve,
    });
    onTestFinished(() => services.stop());
    const { guard, service } = services.pids.redis ?? { guard: 0, service: 0 };
    const identity = identify(service);
    process.kill(guard, 'SIGKILL');
    expect(await ended.promise).toBe('redis');
    expect(isAlive(identity)).toBe(false);
  });
});

describe('a second supervisor', () => {
  it('is refused while the first lives, by a line that names the first', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    const { child } = await runSupervisor({ dataDir, services: ['redis'], durable: false });
    const { answer } = await runSupervisor({ dataDir, services: ['redis'], durable: false });
    expect(answer.error).toEqual({
      code: 'DATA_DIR_LOCKED',
      message: expect.stringContaining(`in use by process ${child.pid}`),
    });
  });
});

describe('endLeftovers', () => {
  function makeRunDir(): string {
    const runDir = join(makeScratchFolder(), 'run');
    mkdirSync(runDir);
    return runDir;
  }

  function spawnBystander(): ProcessIdentity {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    return identify(child.pid ?? 0);
  }

  it('spares a process that has the recorded pid but started at another time', async () => {
    const runDir = makeRunDir();
    const bystander = spawnBystander();
    const reused = { pid: bystander.pid, startTime: `${bystander.startTime}0` };
    new RunRecordFile(runDir, 'redis', () => {}).write({ guard: reused, service: reused, stopSignal: 'SIGTERM' });
    await endLeftovers(runDir, () => {});
    expect(isAlive(bystander)).toBe(true);
    expect(readdirSync(runDir)).toEqual([]);
  });

  it('ends a process that has both', async () => {
    const runDir = makeRunDir();
    const leftover = spawnBystander();
    new RunRecordFile(runDir, 'redis', () => {}).write({ guard: leftover, service: leftover, stopSignal: 'SIGTERM' });
    await endLeftovers(runDir, () => {});
    expect(isAlive(leftover)).toBe(false);
  });

  it('removes a record that names no process', async () => {
    const runDir = makeRunDir();
    writeFileSync(join(runDir, 'torn.json'), '{"guard": {"pi');
    writeFileSync(join(runDir, 'foreign.json'), '{"guard": 1}');
    await endLeftovers(runDir, () => {});
    expect(readdirSync(runDir)).toEqual([]);
  });
});
