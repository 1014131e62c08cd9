import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runCommand } from '../run-command.js';
import { runSupervisor, stopSupervisor } from '../testing/run-supervisor.js';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { giveFolder } from './run-as.js';

vi.setConfig({ testTimeout: 60_000 });

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };
const ROOT_ONLY = 0o700;

if (!isRoot)
  console.log('Not run: the ways in which root gives its services away, because these tests run as an ordinary user');

/** The uid that the host sees, and the one that the process itself sees. */
function readUids(pid: number): { onHost: number; namespaceRoot: string } {
  const onHost = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { onHost, namespaceRoot: readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().replace(/\s+/g, ' ') };
}

describe.runIf(isRoot)('services of a supervisor that is root', () => {
  it('run as nobody where nobody can reach them', async () => {
    const scratch = makeScratchFolder();
    chmodSync(scratch, 0o711);
    const { answer } = await runSupervisor({
      dataDir: join(scratch, 'data'),
      services: ['postgres', 'redis'],
      durable: false,
    });
    expect(answer.error).toBeUndefined();
    for (const { service } of Object.values(answer.pids)) expect(readUids(service).onHost).toBe(NOBODY.uid);
  });

  it('run in a user namespace under a folder that only root may enter', async () => {
    const scratch = makeScratchFolder();
    chmodSync(scratch, ROOT_ONLY);
    const { answer } = await runSupervisor({
      dataDir: join(scratch, 'data'),
      services: ['postgres', 'redis'],
      durable: false,
    });
    const canUnshare = (await runCommand('unshare', ['--user', 'true'], { env: {} })).succeeded;
    if (!canUnshare) {
      expect(answer.error?.code).toBe('RUN_AS_IMPOSSIBLE');
      return;
    }
    expect(answer.error).toBeUndefined();
    for (const { service } of Object.values(answer.pids))
      expect(readUids(service)).toEqual({ onHost: 0, namespaceRoot: `${NOBODY.uid} 0 1` });
  });

  it('take their data along when the folder moves from one way to the other', async () => {
    const scratch = makeScratchFolder();
    const options = { dataDir: join(scratch, 'data'), services: ['postgres', 'redis'], durable: false } as const;
    for (const mode of [0o711, ROOT_ONLY, 0o711]) {
      chmodSync(scratch, mode);
      const { child, answer } = await runSupervisor(options);
      expect(answer.error).toBeUndefined();
      await stopSupervisor(child);
    }
  });
});

describe.runIf(isRoot)('services of an ordinary user', () => {
  it('run as that user', async () => {
    const scratch = makeScratchFolder();
    chownSync(scratch, NOBODY.uid, NOBODY.gid);
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: scratch };
    const { answer } = await runSupervisor({
      dataDir: join(scratch, 'data'),
      services: ['postgres', 'redis'],
      durable: false,
      env,
      ...NOBODY,
    });
    expect(answer.error).toBeUndefined();
    for (const pids of Object.values(answer.pids))
      for (const pid of [pids.guard, pids.service]) expect(readUids(pid).onHost).toBe(NOBODY.uid);
  });

  it('run under an entry of a namespace when the user has none in /etc/passwd', async () => {
    const scratch = makeScratchFolder();
    const stranger = { uid: 48_123, gid: 48_123 };
    chownSync(scratch, stranger.uid, stranger.gid);
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: scratch };
    const { answer } = await runSupervisor({
      dataDir: join(scratch, 'data'),
      services: ['postgres', 'redis'],
      durable: false,
      env,
      ...stranger,
    });
    const canUnshare = (await runCommand('unshare', ['--user', 'true'], { env: {}, ...stranger })).succeeded;
    expect(answer.error?.code).toBe(canUnshare ? undefined : 'RUN_AS_IMPOSSIBLE');
  });

  it('are refused a data folder that belongs to somebody else, in one line', async () => {
    const scratch = makeScratchFolder();
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: scratch };
    const { answer } = await runSupervisor({
      dataDir: join(scratch, 'data'),
      services: ['redis'],
      durable: false,
      env,
      ...NOBODY,
    });
    expect(answer.error).toEqual({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringContaining('cannot be written by this user'),
    });
  });
});

describe.runIf(isRoot)('giveFolder', () => {
  it('gives away all that is in the folder, and back', () => {
    const folder = makeScratchFolder();
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'deep/file'), '');
    const owners = () => ['.', 'deep', 'deep/file'].map((name) => statSync(join(folder, name)).uid);
    giveFolder({ kind: 'user', ids: NOBODY }, folder);
    expect(owners()).toEqual([NOBODY.uid, NOBODY.uid, NOBODY.uid]);
    giveFolder({ kind: 'user-namespace', mappedTo: NOBODY }, folder);
    expect(owners()).toEqual([0, 0, 0]);
  });
});
