/** The machine: Node, disk, data folder, and where missing services would come from. */
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeError } from '@aurorasoc/kit/errors';
import { isReadableByOthers } from '../home/credentials.js';
import type { SiteHome } from '../home/site-home.js';
import { defaultCacheDir } from '../services/environment.js';
import { canFetchServices, findFetched } from '../services/fetch/fetch-service.js';
import { findHostBinary } from '../services/fetch/find-service-binary.js';
import { isNewEnough } from '../services/fetch/service-binary.js';
import { FETCHABLE_SERVICES } from '../services/fetch/service-packages.js';
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

export interface ServiceSource {
  /** The environment names one, or says that there is none: none has to be found. */
  readonly isGiven: boolean;
  readonly source: 'auto' | 'fetch';
  /** @default where a start keeps what it has fetched */
  readonly cacheDir?: string;
}

/** Where a start would get a service's program from, asked as a start asks: what is there has to run, too. */
export async function checkServiceSource(
  service: 'redis' | 'mosquitto',
  { isGiven, source, cacheDir = defaultCacheDir() }: ServiceSource,
): Promise<Finding> {
  const name = `${service} binary`;
  const wanted = FETCHABLE_SERVICES[service];
  const { label, minimumMajor, urlVariable } = wanted;
  if (isGiven) return ok(name, `not needed: ${urlVariable} is set`);
  const onPath = source === 'auto' ? await findHostBinary(service) : undefined;
  if (onPath?.isUsable) return ok(name, onPath.path);
  const fetched = findFetched(service, cacheDir);
  if (fetched !== undefined) {
    return (await isNewEnough(fetched, wanted))
      ? ok(name, `fetched before: ${fetched.binary}`)
      : fail(
          name,
          `${fetched.binary}, fetched before, does not run`,
          `remove ${cacheDir}: the next start fetches anew`,
        );
  }
  const lack =
    onPath !== undefined
      ? `${onPath.path} is not ${label} ${minimumMajor} or newer`
      : source === 'auto'
        ? 'none on PATH'
        : 'none fetched yet (AURORA_SERVICES=fetch)';
  if (canFetchServices()) return ok(name, `${lack}; will be fetched by apt-get, which needs the network once`);
  return fail(
    name,
    `${lack}, and there is no apt-get with dpkg-deb to fetch one`,
    `install ${label} ${minimumMajor} or newer ("brew install ${wanted.brewFormula}", "docker run -d ${wanted.dockerArgs}"), or set ${urlVariable}`,
  );
}

function nearestExisting(folder: string): string {
  return existsSync(folder) ? folder : nearestExisting(dirname(folder));
}
