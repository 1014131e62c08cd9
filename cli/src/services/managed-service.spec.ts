import { existsSync } from 'node:fs';
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
