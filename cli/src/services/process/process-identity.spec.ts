import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitUntilGone } from './end-process.js';
import { isAlive, readProcessIdentity, signalProcess } from './process-identity.js';

describe('a process identity', () => {
  it('stays the same while the process lives, also when it becomes another program', async () => {
    // The shell prints, waits for a line, and then turns into sleep: same pid, same start, other command.
    const child = spawn('sh', ['-c', 'echo ready; read line; exec sleep 600'], { stdio: ['pipe', 'pipe', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const before = readProcessIdentity(child.pid ?? 0);
    child.stdin.write('go\n');
    expect(readProcessIdentity(child.pid ?? 0)).toEqual(before);
  });

  it('matches no process that ended, and signals none', async () => {
    const child = spawn('sleep', ['600']);
    const identity = readProcessIdentity(child.pid ?? 0) ?? { pid: 0, startTime: '' };
    expect(isAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(identity)).toBe(false);
    expect(signalProcess(identity, 'SIGTERM')).toBe(false);
  });

  it('counts a zombie, which only waits to be noticed by its parent, as ended', async () => {
    // sleep, which the shell turns into, never looks after the child that the shell left it.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [pid] = await once(createInterface({ input: parent.stdout }), 'line');
    const identity = readProcessIdentity(Number(pid));
    expect(identity).toBeDefined();
    if (identity !== undefined) expect(await waitUntilGone(identity, 5_000)).toBe(true);
    expect(() => process.kill(Number(pid), 0)).not.toThrow(); // the kernel still lists it
  });
});
