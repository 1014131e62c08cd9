import { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { choosePorts } from '../services/data-folder/ports.js';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';
import { RoleProcess } from './role-process.js';

const WITHIN = { timeout: 10_000, interval: 20 };

async function makeRole(folder: string): Promise<{ role: RoleProcess; lines: string[] }> {
  const port = await choosePorts([0]);
  const lines: string[] = [];
  const role = new RoleProcess({
    name: 'gateway',
    args: [fileURLToPath(new URL('../testing/fake-role.ts', import.meta.url)), 'gateway'],
    env: { PORT: String(port) },
    port,
    healthUrl: `http://127.0.0.1:${port}`,
    logPath: join(folder, 'gateway.log'),
    runDir: folder,
    hangMs: 60_000,
    log: (line) => lines.push(line),
    onChange: () => undefined,
  });
  onTestFinished(() => role.stop());
  return { role, lines };
}

it('stops a role that was started before and is not ready in time now, and does not start it again by itself', async () => {
  const { role, lines } = await makeRole(makeScratchFolder());
  await role.start(20_000);
  role.kill('SIGSTOP');
  await expect(role.start(1_000)).rejects.toMatchObject({ code: 'ROLE_NOT_READY' });
  expect(role.state.state).toBe('stopped');
  expect(role.pid).toBeUndefined();
  expect(lines).toEqual([]);
});

it('starts a role again also where neither its record nor its log can be written, and says so', async () => {
  const folder = makeScratchFolder();
  const { role, lines } = await makeRole(folder);
  // Folders in the files' places: root can write wherever modes forbid it.
  mkdirSync(join(folder, 'gateway.json'));
  mkdirSync(join(folder, 'gateway.log'));
  await role.start(20_000);
  role.kill('SIGKILL');
  await vi.waitFor(() => expect(role.state).toMatchObject({ state: 'running', restarts: 1 }), WITHIN);
  expect(lines.filter((line) => line.includes('gateway.json cannot be kept'))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('gateway.log cannot be opened'))).toHaveLength(2);
  expect(readdirSync(folder).sort()).toEqual(['gateway.json', 'gateway.log']);

  rmdirSync(join(folder, 'gateway.json'));
  await vi.waitFor(() => expect(statSync(join(folder, 'gateway.json')).isFile()).toBe(true), WITHIN);
});
