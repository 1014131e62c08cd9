/**
 * A role that does nothing but be there: listens where a role of its name would, says that it is ready, ends with its
 * standard input; SIGUSR2 blocks it for ever. `FAKE_ROLE_FAILS` names one that fails at its start, `FAKE_ROLE_HANGS` one that is never ready.
 */
import { createServer } from 'node:http';

const HEALTH_OFFSET = 100;
const name = process.argv[2] ?? '';
const { env } = process;

if (env.FAKE_ROLE_FAILS === name) {
  console.log(JSON.stringify({ level: 'info', msg: 'Starting' }));
  console.log(JSON.stringify({ level: 'fatal', msg: 'Start failed', error: 'FAKE_LIMIT: must be a number' }));
  process.exit(1);
}

const port = Number(name === 'ingest' ? env.INGEST_PORT : env.PORT);
const offsets: Readonly<Record<string, readonly number[]>> = {
  alerts: [0, HEALTH_OFFSET],
  'alerts-worker-1': [HEALTH_OFFSET],
};
for (const offset of offsets[name] ?? [0]) {
  createServer((_, response) => {
    response.writeHead(env.FAKE_ROLE_HANGS === name ? 503 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ service: name, state: 'up', components: {} }));
  }).listen(port + offset, '127.0.0.1');
}
process.stdin.resume().once('end', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
process.once('SIGUSR2', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
