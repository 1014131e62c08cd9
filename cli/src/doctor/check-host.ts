/** The machine: Node, disk, data folder, and where missing services would come from. */
import { accessSync, constants, existsSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeError } from '@aurorasoc/kit/errors';
import { isReadableByOthers } from '../home/credentials.js';
import type { SiteHome } from '../home/site-home.js';
import { defaultCacheDir, searchPath } from '../services/environment.js';
import { NODE_MAJOR } from '../terminal/require-node.js';
import { type Finding, fail, ok, warn } from './finding.js';

const LITTLE_DISK_BYTES = 5e9;
const NO_DISK_BYTES = 1e9;

export function checkNode(version = process.versions.node): Finding {
  const major = Number.parseInt(version, 10);
  if (major === NODE_MAJOR) return ok('node', version);
  const advice = 'run "npm start" or "npm run aurora", which bring their own Node';
  return major > NODE_MAJOR
    ? warn('node', `${version}; only ${NODE_MAJOR} is tested`, advice)
    : fail('node', `${version} is older than ${NODE_MAJOR}`, advice);
}

export function checkDisk({ root }: SiteHome): Finding {
  const folder = nearestExisting(root);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const detail = `${(free / 1e9).toFixed(1)} GB free at ${folder}`;
  const advice = 'free some space, or name a folder on another disk with AURORA_HOME';
  if (free < NO_DISK_BYTES) return fail('disk', detail, advice);
  return free < LITTLE_DISK_BYTES ? warn('disk', detail, advice) : ok('disk', detail);
}

/** Tries: permission bits alone do not tell of read-only mounts, quotas and foreign owners. */
export function checkHome({ root }: SiteHome): Finding {
  const folder = nearestExisting(root);
  try {
    rmSync(mkdtempSync(join(folder, '.aurora-doctor-')), { recursive: true });
    return ok('data folder', `${root}${folder === root ? '' : ' (not made yet)'} is writable`);
  } catch (error) {
    return fail(
      'data folder',
      `${folder} is not writable (${describeError(error)})`,
      'give it to this user, or name another with AURORA_HOME',
    );
  }
}

export function checkCredentials({ credentialsFile }: SiteHome): Finding {
  const name = 'credentials';
  if (!isReadableByOthers(credentialsFile)) return ok(name, `${credentialsFile}: nobody else may read it`);
  return warn(name, `others than its owner may read ${credentialsFile}`, `run chmod 600 ${credentialsFile}`);
}

/** @param isRedisGiven - the environment names one, so none has to be found. */
export function checkServiceSources(isRedisGiven: boolean, cacheDir = defaultCacheDir()): Finding {
  const name = 'redis binary';
  if (isRedisGiven) return ok(name, 'not needed: REDIS_URL is set');
  const onPath = findOnPath('redis-server');
  if (onPath !== undefined) return ok(name, onPath);
  if (existsSync(cacheDir)) return ok(name, `fetched before, in ${cacheDir}`);
  const aptGet = findOnPath('apt-get');
  if (aptGet !== undefined) return ok(name, `none on PATH; will be fetched by ${aptGet}, which needs the network once`);
  return fail(
    name,
    'neither redis-server nor apt-get is on PATH',
    'install Redis 7 or newer ("brew install redis", "docker run redis"), or set REDIS_URL',
  );
}

function findOnPath(program: string): string | undefined {
  return searchPath()
    .map((folder) => join(folder, program))
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() && isExecutable(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function nearestExisting(folder: string): string {
  return existsSync(folder) ? folder : nearestExisting(dirname(folder));
}
