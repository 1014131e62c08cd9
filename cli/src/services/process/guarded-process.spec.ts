import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { expect, it, onTestFinished } from 'vitest';
import { startGuarded } from './guarded-process.js';

const COMMAND = { file: '/bin/true', args: [], cwd: '/', env: {}, stopSignal: 'SIGTERM' } as const;

function openNothing(): number {
  const fd = openSync(devNull, 'a');
  onTestFinished(() => closeSync(fd));
  return fd;
}

it('says that a service could not be started when its guard cannot be', async () => {
  const { execPath } = process;
  onTestFinished(() => {
    process.execPath = execPath;
  });
  process.execPath = '/nowhere/node'; // told as an exhausted process table is: by an event, after the call
  await expect(startGuarded('redis', COMMAND, openNothing())).rejects.toMatchObject({
    code: 'SERVICE_DIED',
    publicMessage: expect.stringMatching(/^redis could not be started: .*ENOENT/),
  });
});

it('says so as well when the call itself fails', async () => {
  const NO_FILE = 999_999;
  await expect(startGuarded('redis', COMMAND, NO_FILE)).rejects.toMatchObject({ code: 'SERVICE_DIED' });
});

it('says why the program of a service could not be started', async () => {
  const command = { ...COMMAND, file: '/nowhere/redis-server' };
  await expect(startGuarded('redis', command, openNothing())).rejects.toMatchObject({
    code: 'SERVICE_DIED',
    publicMessage: expect.stringContaining('/nowhere/redis-server'),
  });
});
