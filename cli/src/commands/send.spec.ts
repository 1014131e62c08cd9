/** `aurora send` by its built command line, against stand-ins for ingest. */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
/** Nothing listens there. */
const NOBODY = 'http://127.0.0.1:1';

async function send(ingestUrl: string, input: string, ...options: string[]) {
  const args = [PROGRAM, 'send', '-', '--ingest-url', ingestUrl, '--url', NOBODY, '--token', 'x', ...options];
  const running = promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env.PATH, AURORA_HOME: '/none' },
  });
  running.child.stdin?.end(input);
  return running.then(
    (ended) => ({ code: 0, ...ended }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }) as { code: number; stdout: string; stderr: string },
  );
}

/** Takes every batch until `failAfter` of them, and nothing from there on. */
async function startIngest(failAfter: number): Promise<string> {
  let taken = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const isTaken = taken++ < failAfter;
      response.writeHead(isTaken ? 202 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isTaken ? { accepted: 1, batches: ['0199a000-0000-7000-8000-000000000000'] } : {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('aurora send', () => {
  it('says at once that nobody is there and for how long it tries, and claims no acceptance', async () => {
    const { code, stdout, stderr } = await send(NOBODY, '{"a":1}\n', '--wait', '1');
    expect(code).toBe(1);
    expect(stdout).toBe('');
    const [first, last, ...more] = stderr.trim().split('\n');
    expect(first).toMatch(/^aurora: Ingest .* cannot be reached .*trying again for up to 1 s \(Ctrl-C ends it/);
    expect(last).toMatch(/^aurora: SERVICE_UNAVAILABLE: /);
    expect(more).toEqual([]);
  });

  it('gives up at the first failure when told not to wait', async () => {
    const { code, stderr } = await send(NOBODY, '{"a":1}\n', '--wait', '0');
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('tells what was accepted before a failure', async () => {
    const twoBatches = `${`{"a":"${'x'.repeat(600_000)}"}\n`.repeat(3)}`;
    const { code, stdout } = await send(await startIngest(1), twoBatches, '--wait', '0');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Accepted 1 event \(trace /);
  });

  it('warns of an input without events, which is no failure', async () => {
    expect(await send(NOBODY, ' \n\n')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'aurora: standard input holds no events; nothing was sent\n',
    });
    expect(JSON.parse((await send(NOBODY, '', '--json')).stdout)).toMatchObject({ accepted: 0, batches: [] });
  });

  it.each(['soon', '-1', ''])('refuses to wait for "%s" seconds', async (seconds) => {
    const { code, stderr } = await send(NOBODY, '', '--wait', seconds);
    expect(code).toBe(2);
    expect(stderr).toContain('from 0 to 3600');
  });
});
