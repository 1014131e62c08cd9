import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { createPassword, readPassword } from './data-folder/service-password.js';
import { serviceEnvironment } from './environment.js';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.js';
import type { PreparedService, ServiceContext } from './prepared-service.js';
import { endProcess } from './process/end-process.js';
import { findProcesses } from './process/find-processes.js';
import { chooseRunAs, giveFolder, invokeAs, type RunAs } from './process/run-as.js';
import { runCommand } from './run-command.js';
import { hasErrorCode, ServiceError } from './service-error.js';

const SUPERUSER = 'postgres';
const NEW_DATA_PREFIX = 'data.new-';
const PROBE_TIMEOUT_MS = 2_000;

/** Sized for one machine that also runs everything else; pools of 4 for each of six domains and their workers fit in. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/**
 * Gives up safety against power cuts only. `synchronous_commit` stays on: without fsync it saves nothing, and off it would
 * lose acknowledged commits when the server is killed, which tests do.
 */
const VOLATILE_SETTINGS = { fsync: 'off', full_page_writes: 'off' };

/** Processes of a killed server still use its data: a session in mid-query notices only when the query is done. */
const HAS_ORPHANS = /pre-existing shared memory block|lock file "postmaster\.pid" already exists/;
const ORPHAN_GRACE_MS = 500;

/** SQLSTATE cannot_connect_now: the server is starting, recovering or shutting down. */
const CANNOT_CONNECT_NOW = '57P03';

/**
 * Makes PostgreSQL ready to start: finds its binaries, chooses as whom it runs, creates the cluster at the first time.
 * Every connection authenticates by SCRAM with a random password; there is no Unix socket.
 *
 * @throws ServiceError `POSTGRES_PACKAGE_BROKEN`, `RUN_AS_IMPOSSIBLE`, `DATA_DIR_VERSION`, `DATA_DIR_UNUSABLE`; AuroraError
 *   `INTERRUPTED`
 */
export async function preparePostgres(context: ServiceContext): Promise<PreparedService> {
  const { home, durable } = context;
  const binaries = await findPostgresBinaries();
  const env = serviceEnvironment(home);
  const runAs = await chooseRunAs(binaries.postgres, join(home, '..'), env);
  if (runAs === undefined) {
    throw new ServiceError(
      'RUN_AS_IMPOSSIBLE',
      `PostgreSQL does not run as root, and no other user can reach ${home} and ${binaries.postgres}; move the checkout out of root's home, or start as an ordinary user`,
    );
  }
  mkdirSync(home, { recursive: true, mode: 0o700 });
  giveFolder(runAs, home);

  const dataFolder = join(home, 'data');
  const password = existsSync(dataFolder)
    ? checkCluster(dataFolder, binaries, context.passwordFile)
    : await createCluster(dataFolder, binaries, runAs, context);
  const settings = { ...SETTINGS, ...(!durable && VOLATILE_SETTINGS) };
  const url = (port: number) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
  return {
    name: 'postgres',
    url,
    configure: (port) => {
      const args = [
        '-D',
        dataFolder,
        '-p',
        String(port),
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ];
      // SIGINT is PostgreSQL's fast shutdown: it ends sessions. SIGTERM would wait for every client to leave.
      return { ...invokeAs(runAs, binaries.postgres, args), cwd: home, env, stopSignal: 'SIGINT' };
    },
    isReady: (port) => acceptsConnection(url(port), context.passwordFile),
    clearWay: async (log) => {
      const hasOrphans = HAS_ORPHANS.test(log);
      if (hasOrphans) await endOrphans(binaries.postgres, dataFolder);
      return hasOrphans;
    },
  };
}

/** @returns the superuser's password of an existing cluster. */
function checkCluster(dataFolder: string, binaries: PostgresBinaries, passwordFile: string): string {
  const version = readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8').trim();
  if (version !== binaries.majorVersion) {
    throw new ServiceError(
      'DATA_DIR_VERSION',
      `${dataFolder} was written by PostgreSQL ${version}, this is ${binaries.majorVersion}: dump it with version ${version}, or remove the folder to begin anew`,
    );
  }
  const password = readPassword(passwordFile);
  if (password === undefined) {
    throw new ServiceError(
      'DATA_DIR_UNUSABLE',
      `${passwordFile}, the password of the database in ${dataFolder}, is missing: put it back, or remove that folder to begin anew`,
    );
  }
  return password;
}

/** Creates the cluster beside its place and moves it there when whole: a killed start leaves nothing that looks like data. */
async function createCluster(
  dataFolder: string,
  binaries: PostgresBinaries,
  runAs: RunAs,
  context: ServiceContext,
): Promise<string> {
  const { home, durable, log, signal } = context;
  log('Creating a PostgreSQL database');
  for (const name of readdirSync(home))
    if (name.startsWith(NEW_DATA_PREFIX)) rmSync(join(home, name), { recursive: true, force: true });

  const password = createPassword(context.passwordFile);
  const newFolder = join(home, `${NEW_DATA_PREFIX}${process.pid}`);
  const passwordCopy = join(home, 'initdb-password'); // the original lies where the service's user may not read
  writeFileSync(passwordCopy, password, { mode: 0o600 });
  giveFolder(runAs, passwordCopy);
  try {
    const { file, args, ...ids } = invokeAs(runAs, binaries.initdb, [
      ...['-D', newFolder, '-U', SUPERUSER, `--pwfile=${passwordCopy}`],
      ...['--auth-local=reject', '--auth-host=scram-sha-256', '-E', 'UTF8', '--locale=C'],
      ...(durable ? [] : ['--no-sync']),
    ]);
    const result = await runCommand(file, args, { env: serviceEnvironment(home), cwd: home, signal, ...ids });
    if (!result.succeeded)
      throw new ServiceError(
        'DATA_DIR_UNUSABLE',
        `PostgreSQL could not create its database in ${home}: ${result.stderr.trim()}`,
      );
  } finally {
    rmSync(passwordCopy, { force: true });
  }
  renameSync(newFolder, dataFolder);
  return password;
}

/**
 * Every PostgreSQL process works in its data folder. The folder is locked and its server has ended, so what runs there is
 * without a server; SIGQUIT is what a server sends to all of its processes after a crash.
 */
async function endOrphans(program: string, dataFolder: string): Promise<void> {
  await Promise.all(findProcesses(program, dataFolder).map((orphan) => endProcess(orphan, 'SIGQUIT', ORPHAN_GRACE_MS)));
}

/** SCRAM proves both sides: a foreign server on the port does not know the password. */
async function acceptsConnection(connectionString: string, passwordFile: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: PROBE_TIMEOUT_MS });
  client.on('error', () => {}); // a connection cut after it stood; the next probe tells
  try {
    await client.connect();
    return true;
  } catch (cause) {
    if (hasErrorCode(cause, '28P01')) {
      throw new ServiceError(
        'DATA_DIR_UNUSABLE',
        `The password in ${passwordFile} is not this database's: put the right one back`,
        { cause },
      );
    }
    if (hasErrorCode(cause, 'ECONNREFUSED', 'ECONNRESET', CANNOT_CONNECT_NOW)) return false;
    if (cause instanceof Error && /timeout|terminated/i.test(cause.message)) return false;
    throw cause;
  } finally {
    await client.end();
  }
}
