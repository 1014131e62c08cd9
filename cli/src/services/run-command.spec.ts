import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { runCommand } from './run-command.js';
import { makeScratchFolder } from './testing/scratch-folder.js';

it('ends its program when it is interrupted, also when something else still holds its output', async () => {
  const pidFile = join(makeScratchFolder(), 'pid');
  const interrupt = new AbortController();
  const script = 'sleep 5 & echo $$ > "$1.new"; mv "$1.new" "$1"; exec sleep 60';
  const running = runCommand('/bin/sh', ['-c', script, 'sh', pidFile], {
    env: { PATH: '/usr/bin:/bin' },
    signal: interrupt.signal,
  });
  const ended = expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' });
  await vi.waitFor(() => expect(existsSync(pidFile)).toBe(true), 10_000);
  const interruptedAt = performance.now();
  interrupt.abort();
  await ended;
  expect(performance.now() - interruptedAt).toBeLessThan(4_000);
  expect(existsSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}`)).toBe(false);
});
