/** The end of a process, as its supervisor sees it: built, and in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const built = (name: string): string => JSON.stringify(fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url)));

/** @param start - body of the start; `stopper`, `sleep` and `end`, which asks the process to end, are in its reach. */
async function run(start: string): Promise<{ code: number | null; messages: unknown[] }> {
  const program = `
    import { runProcess, sleep } from ${built('lifecycle')};
    import { createLog } from ${built('log')};
    const end = () => process.kill(process.pid, 'SIGTERM');
    await runProcess({ log: createLog('spec', 'info'), isSupervised: false }, async (stopper) => {${start}});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  const lines = output.trim().split('\n');
  return { code, messages: lines.map((line) => (JSON.parse(line) as { msg: unknown }).msg) };
}

it('asked to end while it still waits for something, a process stops waiting, stops what it has started and ends with 0', async () => {
  const outcome = await run(`
    stopper.add('slow', undefined, () => sleep(300));
    setTimeout(end, 50);
    await sleep(60_000, stopper.signal);
    stopper.signal.throwIfAborted();
  `);
  expect(outcome).toEqual({ code: 0, messages: ['Draining'] });
});

it('a process that cannot start ends with 1 and says so', async () => {
  expect(await run(`throw new Error('no')`)).toEqual({ code: 1, messages: ['Start failed'] });
});
