import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createPassword, readPassword } from './data-folder/service-password.js';
import { writeFileAtomically } from './data-folder/write-file-atomically.js';
import { serviceEnvironment } from './environment.js';
import { findServiceBinary } from './fetch/find-service-binary.js';
import type { PreparedService, ServiceContext } from './prepared-service.js';
import { chooseRunAs, giveFolder, invokeAs } from './process/run-as.js';
import { hasErrorCode } from './service-error.js';

const PROBE_TIMEOUT_MS = 2_000;

/**
 * Makes Redis ready to start. Streams must not vanish under memory pressure and must survive a restart, hence `noeviction`
 * and the append-only file; snapshots (`save`) would only write the same a second time.
 *
 * @throws ServiceError `PACKAGE_MANAGER_MISSING`, `FETCH_FAILED`
 */
export async function prepareRedis(context: ServiceContext): Promise<PreparedService> {
  const { home, durable } = context;
  const { binary, libraryPath } = await findServiceBinary('redis', context);
  const env = serviceEnvironment(home, libraryPath);
  // Unlike PostgreSQL, Redis does run as root when nothing else is possible.
  const runAs = (await chooseRunAs(binary, join(home, '..'), env)) ?? { kind: 'self' };
  mkdirSync(home, { recursive: true, mode: 0o700 });
  giveFolder(runAs, home);

  const password = readPassword(context.passwordFile) ?? createPassword(context.passwordFile);
  const configFile = join(home, 'redis.conf');
  return {
    name: 'redis',
    url: (port) => `redis://:${password}@127.0.0.1:${port}`,
    configure: (port) => {
      // A file and not arguments: arguments are visible to every user of the machine.
      writeFileAtomically(configFile, renderConfig(port, password, durable));
      giveFolder(runAs, configFile);
      return { ...invokeAs(runAs, binary, [configFile]), cwd: home, env, stopSignal: 'SIGTERM' };
    },
    isReady: (port) => answersPing(port, password),
    clearWay: async () => false,
  };
}

export function renderConfig(port: number, password: string, durable: boolean): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    'dir .', // the working directory, which needs no quoting
    'daemonize no',
    'appendonly yes',
    `appendfsync ${durable ? 'everysec' : 'no'}`,
    'save ""',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

/** Speaks RESP by hand: two fixed commands need no client, and one that reconnects by itself would be in the way. */
function answersPing(port: number, password: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port, timeout: PROBE_TIMEOUT_MS });
    const finish = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setEncoding('utf8');
    socket.once('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.on('data', (text: string) => {
      answer += text;
      // Two lines. While it reads its data, Redis answers "-LOADING"; a foreign server answers AUTH with an error.
      if (answer.split('\r\n').length > 2) finish(answer === '+OK\r\n+PONG\r\n');
    });
    socket.once('timeout', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('error', (error) => {
      if (hasErrorCode(error, 'ECONNREFUSED', 'ECONNRESET', 'EPIPE')) finish(false);
      else reject(error);
    });
  });
}
