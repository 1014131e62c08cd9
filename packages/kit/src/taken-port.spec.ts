/** Ports that somebody else listens on, and addresses of other machines, as a whole process meets them: built, and in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listen } from './health.js';

let other: Server;
let taken: number;
beforeAll(async () => {
  other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  taken = (other.address() as AddressInfo).port;
});
afterAll(() => other.close());

const built = (name: string): string => JSON.stringify(fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url)));

/** A process with a main port and one for its metrics, that ends in order once it has started and told its health. */
async function run(
  main: number,
  metrics: number,
  host = '127.0.0.1',
): Promise<{ code: number | null; log: Record<string, unknown>[] }> {
  const program = `
    import { createServer } from 'node:http';
    import { Health, closeServer, healthListener, listen, serveHealth } from ${built('health')};
    import { runProcess } from ${built('lifecycle')};
    import { createLog } from ${built('log')};
    const log = createLog('spec', 'info');
    await runProcess({ log, isSupervised: false }, async (stopper) => {
      const health = new Health('spec');
      stopper.add('health', await serveHealth(health, { port: ${metrics}, host: '127.0.0.1', log }), (server) => server && closeServer(server));
      const server = createServer(healthListener(health, log));
      const port = await listen(server, ${main}, '${host}');
      stopper.add('main', server, closeServer);
      const ready = await fetch(\`http://127.0.0.1:\${port}/readyz\`);
      log.info({ status: ready.status, report: await ready.json() }, 'Told');
      process.kill(process.pid, 'SIGTERM');
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  return {
    code,
    log: output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

it('of the metrics costs the metrics alone: a warning, a word in the health, and the process ends with 0', async () => {
  const { code, log } = await run(0, taken);
  expect(log).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      port: taken,
      msg: 'Metrics port cannot be bound; running without metrics',
    }),
  );
  expect(log.find(({ msg }) => msg === 'Told')).toMatchObject({
    status: 200,
    report: {
      state: 'degraded',
      components: { metrics: { state: 'degraded', reason: `port ${taken} could not be bound` } },
    },
  });
  expect(code).toBe(0);
});

it('of the process itself ends it with 1, and one line that names the port', async () => {
  const { code, log } = await run(taken, 0);
  expect(log).toEqual([
    expect.objectContaining({
      level: 'fatal',
      code: 'PORT_TAKEN',
      error: `Port ${taken} on 127.0.0.1 is taken by another program; stop it or choose another port`,
      msg: 'Start failed',
    }),
  ]);
  expect(code).toBe(1);
});

it('on an address of another machine ends the process with 1, and one line that names the variable', async () => {
  const { code, log } = await run(0, 0, '192.0.2.1');
  expect(log).toEqual([
    expect.objectContaining({
      level: 'fatal',
      code: 'CONFIGURATION_INVALID',
      error: 'HOST is 192.0.2.1, which is no address of this machine; give one that is, or 0.0.0.0 for all',
    }),
  ]);
  expect(code).toBe(1);
});

it('that the user may not take is told as such', async () => {
  const denied = Object.assign(new Error('listen EACCES'), { code: 'EACCES' });
  // Stands in for the system, which denies nothing to root.
  const server = createServer();
  server.listen = () => {
    queueMicrotask(() => server.emit('error', denied));
    return server;
  };
  await expect(listen(server, 80, '127.0.0.1')).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    publicMessage: expect.stringContaining('port 80 of 127.0.0.1'),
    cause: denied,
  });
});
