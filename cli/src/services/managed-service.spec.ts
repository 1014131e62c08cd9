import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type DataFolder, openDataFolder } from './data-folder/open-data-folder.js';
import { launchService, type ManagedService, type ManagedServiceOptions } from './managed-service.js';
import type { PreparedService } from './prepared-service.js';
import { makeScratchFolder } from './testing/scratch-folder.js';

const RUNS_ON = 'setInterval(() => {}, 1000)';

/** A service that is a line of JavaScript. */
function prepare(script: () => string, isReady: PreparedService['isReady']): PreparedService {
  return {
    name: 'redis',
    url: (port) => `redis://127.0.0.1:${port}`,
    configure: () => ({
      file: process.execPath,
      args: ['-e', script()],
      cwd: '/',
      env: {},
      stopSignal: 'SIGTERM',
    }),
    isReady,
    clearWay: async () => false,
  };
}

async function launch(
  folder: DataFolder,
  prepared: PreparedService,
  options: Partial<ManagedServiceOptions> = {},
): Promise<ManagedService> {
  const service = await launchService(prepared, { folder, log: () => {}, onExit: () => {}, ...options });
  onTestFinished(() => service.stop());
  return service;
}

function makeFolder(): DataFolder {
  const folder = openDataFolder(join(makeScratchFolder(), 'data'));
  onTestFinished(() => folder.close());
  return folder;
}

it('is ended when the wait for its readiness is interrupted', async () => {
  const folder = makeFolder();
  const interrupt = new AbortController();
  const prepared = prepare(
    () => RUNS_ON,
    async () => false,
  );
  const launching = expect(launch(folder, prepared, { signal: interrupt.signal })).rejects.toMatchObject({
    code: 'INTERRUPTED',
  });
  const record = join(folder.runDir, 'redis.json');
  await vi.waitFor(() => expect(existsSync(record)).toBe(true), 10_000);
  interrupt.abort();
  await launching;
  expect(existsSync(record)).toBe(false);
});

it('moves to another port when a foreign server has got its own just before, and refuses the login', async () => {
  const scripts = [
    'setTimeout(() => { console.error("bind: Address already in use"); process.exit(1); }, 300)',
    RUNS_ON,
  ];
  let lost: number | undefined;
  const prepared = prepare(
    () => scripts.shift() ?? '',
    async (port) => {
      if (lost !== undefined) return true;
      lost = port;
      await occupyPort(port);
      throw new Error('the password is another one');
    },
  );
  const service = await launch(makeFolder(), prepared);
  expect(service.port).not.toBe(lost);
  expect(service.pids).toBeDefined();
});

it('is not started when it refuses the login itself', async () => {
  const prepared = prepare(
    () => RUNS_ON,
    async () => {
      throw new Error('the password is another one');
    },
  );
  await expect(launch(makeFolder(), prepared)).rejects.toThrow('the password is another one');
});

async function occupyPort(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
}
