import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { choosePorts } from '../services/data-folder/ports.js';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';
import { RoleProcess } from './role-process.js';

it('stops a role that was started before and is not ready in time now, and does not start it again by itself', async () => {
  const folder = makeScratchFolder();
  const port = await choosePorts([0]);
  const lines: string[] = [];
  const role = new RoleProcess({
    name: 'gateway',
    args: [fileURLToPath(new URL('../testing/fake-role.ts', import.meta.url)), 'gateway'],
    env: { PORT: String(port) },
    port,
    healthUrl: `http://127.0.0.1:${port}`,
    logPath: `${folder}/gateway.log`,
    runDir: folder,
    hangMs: 60_000,
    log: (line) => lines.push(line),
    onChange: () => undefined,
  });
  onTestFinished(() => role.stop());
  await role.start(20_000);
  role.kill('SIGSTOP');
  await expect(role.start(1_000)).rejects.toMatchObject({ code: 'ROLE_NOT_READY' });
  expect(role.state.state).toBe('stopped');
  expect(role.pid).toBeUndefined();
  expect(lines).toEqual([]);
});
