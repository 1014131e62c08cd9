import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readProcessIdentity } from '../process/process-identity.js';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { tryLock } from './lock.js';

vi.setConfig({ testTimeout: 60_000 });

const CONTENDERS = 6;

/** A lock folder whose latest owner is as written. */
function makeLockOwnedBy(owner: string): string {
  const folder = join(makeScratchFolder(), 'lock');
  mkdirSync(folder);
  symlinkSync(owner, join(folder, '7'));
  return folder;
}

/** @returns a function that has a process of its own try the lock, and resolves to whether it got it. */
async function spawnContender(folder: string): Promise<() => Promise<boolean>> {
  const loader = new URL('../testing/run-from-source.ts', import.meta.url).href;
  const script = fileURLToPath(new URL('../testing/contend-for-lock.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', loader, script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    child.stdin.end();
    await exited;
  });
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  return async () => {
    const answer = once(lines, 'line');
    child.stdin.write('go\n');
    return (await answer)[0] === 'true';
  };
}

describe('tryLock', () => {
  it('gives the lock to one owner at a time, and again after its release', () => {
    const folder = join(makeScratchFolder(), 'lock');
    const first = tryLock(folder);
    expect(tryLock(folder)).toEqual({ acquired: false, heldBy: readProcessIdentity(process.pid) });
    if (first.acquired) first.release();
    const second = tryLock(folder);
    expect([first.acquired, second.acquired]).toEqual([true, true]);
    if (second.acquired) second.release();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('passes over an owner that is dead, also when its pid now belongs to another process', () => {
    const { pid, startTime } = readProcessIdentity(process.ppid) ?? { pid: 0, startTime: '' };
    expect(tryLock(makeLockOwnedBy(`${pid} ${startTime}`))).toMatchObject({ acquired: false, heldBy: { pid } });
    expect(tryLock(makeLockOwnedBy(`${pid} ${startTime}0`)).acquired).toBe(true);
  });

  it('goes to exactly one of many processes that find the same dead owner', async () => {
    const folder = makeLockOwnedBy('1 long-ago');
    const contenders = await Promise.all(Array.from({ length: CONTENDERS }, () => spawnContender(folder)));
    const outcomes = await Promise.all(contenders.map((contend) => contend()));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });
});
