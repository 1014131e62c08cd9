import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createPassword, readPassword } from './data-folder/service-password.js';
import { writeFileAtomically } from './data-folder/write-file-atomically.js';
import { serviceEnvironment } from './environment.js';
import { findServiceBinary } from './fetch/find-service-binary.js';
import { FETCHABLE_SERVICES } from './fetch/service-packages.js';
import { CONNECTED, shakeHands } from './mqtt-handshake.js';
import type { PreparedService, ServiceContext } from './prepared-service.js';
import { chooseRunAs, giveFolder, invokeAs } from './process/run-as.js';

/** The one login of this installation's own processes. */
const INTERNAL_USER = 'aurora';

/**
 * Makes Mosquitto ready to start: on loopback, nobody without a login, and whatever a persistent session has queued kept over
 * a restart.
 *
 * @throws ServiceError `PACKAGE_MANAGER_MISSING`, `FETCH_FAILED`
 */
export async function prepareMosquitto(context: ServiceContext): Promise<PreparedService> {
  const { home } = context;
  const { binary, libraryPath } = await findServiceBinary('mosquitto', context);
  const env = serviceEnvironment(home, libraryPath);
  const { versionArgs, versionPattern } = FETCHABLE_SERVICES.mosquitto;
  const probe = { args: versionArgs, says: versionPattern };
  const runAs = (await chooseRunAs(binary, join(home, '..'), env, probe)) ?? { kind: 'self' };
  mkdirSync(home, { recursive: true, mode: 0o700 });
  giveFolder(runAs, home);

  const password = readPassword(context.passwordFile) ?? createPassword(context.passwordFile);
  const write = (name: string, content: string): string => {
    const file = join(home, name);
    writeFileAtomically(file, content);
    giveFolder(runAs, file);
    return file;
  };
  const url = (port: number) => `mqtt://${INTERNAL_USER}:${password}@127.0.0.1:${port}`;
  const staysRoot = runAs.kind === 'self' && process.getuid?.() === 0;
  return {
    name: 'mosquitto',
    url,
    configure: (port) => {
      write('passwords', `${INTERNAL_USER}:${hashPassword(password)}\n`);
      write('acl', ACL);
      const config = write('mosquitto.conf', renderConfig(port, staysRoot));
      return { ...invokeAs(runAs, binary, ['-c', config]), cwd: home, env, stopSignal: 'SIGTERM' };
    },
    isReady: async (port) => (await shakeHands(url(port))) === CONNECTED,
    clearWay: async () => false,
  };
}

/** A device's name is its user name (`%u`), so none can speak as another. */
export const ACL = [
  `user ${INTERNAL_USER}`,
  'topic readwrite aurora/v1/#',
  'topic read $SYS/#',
  '',
  'pattern write aurora/v1/tel/%u',
  'pattern write aurora/v1/att/%u/hello',
  'pattern write aurora/v1/att/%u/evidence',
  'pattern read aurora/v1/att/%u/challenge',
  'pattern read aurora/v1/att/%u/result',
  '',
].join('\n');

export function renderConfig(port: number, staysRoot: boolean): string {
  return [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    // The working directory, which needs no quoting.
    'password_file ./passwords',
    'acl_file ./acl',
    'persistence true',
    'persistence_location ./',
    'autosave_interval 5',
    // What waits for a subscriber that is away; beyond it Mosquitto drops, and counts that under $SYS.
    'max_queued_messages 100000',
    'max_queued_bytes 268435456',
    'max_inflight_messages 1000',
    'message_size_limit 1048576',
    'log_dest stderr',
    'log_type error',
    'log_type warning',
    'log_type notice',
    ...(staysRoot ? ['user root'] : []),
    '',
  ].join('\n');
}

/** As `mosquitto_passwd` of 2.x writes it (its `password_mosq.c`): PBKDF2 with SHA-512, here with iterations of our own. */
function hashPassword(password: string): string {
  const iterations = 101;
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  return `$7$${iterations}$${salt.toString('base64')}$${hash.toString('base64')}`;
}
