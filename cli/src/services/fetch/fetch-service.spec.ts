import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { tryLock } from '../data-folder/lock.js';
import { startServices } from '../start-services.js';
import { killSupervisor, runSupervisor, spawnSupervisor } from '../testing/run-supervisor.js';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { parseSimulation } from './apt.js';
import { fetchService, isNeeded } from './fetch-service.js';
import { findOnPath, readMajorVersion } from './service-binary.js';
import { FETCHABLE_SERVICES } from './service-packages.js';

vi.setConfig({ testTimeout: 180_000 });

const canFetch = findOnPath('apt-get') !== undefined && findOnPath('dpkg-deb') !== undefined;
if (!canFetch) console.log('Not run: fetching services, because this machine has no apt-get or no dpkg-deb');

const NO_PROGRAMS = { PATH: dirname(process.execPath) };
/** Nothing listens on port 1, so apt-get finds no network behind this proxy. */
const OFFLINE = { PATH: '/usr/bin:/bin', http_proxy: 'http://127.0.0.1:1', https_proxy: 'http://127.0.0.1:1' };

const onlyRedis = (scratch: string) =>
  ({
    dataDir: join(scratch, 'data'),
    cacheDir: join(scratch, 'cache'),
    source: 'fetch',
    services: ['redis'],
    durable: false,
  }) as const;

describe.runIf(canFetch)('a fetched service', () => {
  it('is downloaded once for all who want it at the same time, and runs offline from then on', async () => {
    const scratch = makeScratchFolder();
    const options = onlyRedis(scratch);
    const lines: string[] = [];
    const [one, other] = await Promise.all(
      [1, 2].map(() => fetchService('redis', options.cacheDir, (line) => lines.push(line))),
    );
    expect(one).toEqual(other);
    expect(lines.sort()).toEqual([
      expect.stringMatching(/^Fetching Redis/),
      `Waiting for process ${process.pid}, which is fetching services`,
    ]);

    const { answer } = await runSupervisor({ ...options, env: NO_PROGRAMS });
    expect(answer).toMatchObject({ redis: { port: expect.any(Number) }, lines: [] });
  });

  it.each(['nats', 'mosquitto'] as const)('%s runs with the libraries that came with it', async (service) => {
    const fetched = await fetchService(service, join(makeScratchFolder(), 'cache'), () => {});
    expect(await readMajorVersion(fetched, FETCHABLE_SERVICES[service])).toBeGreaterThanOrEqual(2);
  });

  it('is not there when its fetch was killed, and the next fetch clears up', async () => {
    const options = onlyRedis(makeScratchFolder());
    const child = spawnSupervisor(options);
    await vi.waitUntil(
      () => existsSync(options.cacheDir) && readdirSync(options.cacheDir).some((name) => name.startsWith('.partial-')),
      { timeout: 30_000 },
    );
    await killSupervisor(child);
    expect(readdirSync(options.cacheDir).filter((name) => name.startsWith('redis-'))).toEqual([]);
    const services = await startServices({ ...options, log: () => {} });
    onTestFinished(() => services.stop());
    expect(readdirSync(options.cacheDir).sort()).toEqual([
      'lock',
      expect.stringMatching(/^redis-\w+-\w+-[0-9a-f]{12}$/),
    ]);
  });

  it('is waited for no longer, and fetched no further, once that is interrupted', async () => {
    const { cacheDir } = onlyRedis(makeScratchFolder());
    const interrupt = new AbortController();
    const lock = tryLock(join(cacheDir, 'lock'));
    const interrupted = { code: 'INTERRUPTED' };
    const waiting = fetchService('redis', cacheDir, () => interrupt.abort(), interrupt.signal);
    await expect(waiting).rejects.toMatchObject(interrupted);
    if (lock.acquired) lock.release();

    const again = new AbortController();
    const fetching = fetchService('redis', cacheDir, () => {}, again.signal);
    const ended = expect(fetching).rejects.toMatchObject(interrupted);
    await vi.waitUntil(() => readdirSync(cacheDir).some((name) => name.startsWith('.partial-')), { timeout: 30_000 });
    again.abort();
    await ended;
    expect(readdirSync(cacheDir)).toEqual(['lock']);
  });

  it('cannot be had without a network, which is said', async () => {
    const options = onlyRedis(makeScratchFolder());
    const { child, answer } = await runSupervisor({ ...options, env: OFFLINE });
    expect(answer.error).toEqual({ code: 'FETCH_FAILED', message: expect.stringContaining('cannot be reached') });
    if (child.exitCode === null) await once(child, 'exit');
    expect(readdirSync(options.cacheDir)).toEqual(['lock']);
  });
});

describe('a service that cannot be fetched', () => {
  it.each([
    ['redis', ['brew install redis', 'apt-get install redis-server', 'docker run -d', 'REDIS_URL']],
    ['mosquitto', ['brew install mosquitto', 'apt-get install mosquitto', 'docker run -d', 'MQTT_URL=off']],
  ] as const)('is asked of the user, with a line for each way to get it: %s', async (service, ways) => {
    const options = { ...onlyRedis(makeScratchFolder()), services: [service] };
    const { answer } = await runSupervisor({ ...options, source: 'auto', env: NO_PROGRAMS });
    expect(answer.error?.code).toBe('PACKAGE_MANAGER_MISSING');
    for (const way of ways) expect(answer.error?.message).toContain(way);
  });
});

describe('what is unpacked', () => {
  it('is read from the simulation, upgrades and all architectures alike', () => {
    const output = [
      'NOTE: This is only a simulation!',
      'Inst libssl3 (3.0.22-1~deb12u2 Debian-Security:12/stable-security [amd64])',
      'Inst adduser [3.1] (3.134 Debian:12.12/stable [all])',
      'Conf libssl3 (3.0.22-1~deb12u2 Debian-Security:12/stable-security [amd64])',
      'Inst liblz4-1 (1.9.4-1 Debian:12.12/stable, Debian:testing [arm64]) []',
    ].join('\n');
    expect(parseSimulation(output)).toEqual([
      { name: 'adduser', version: '3.134', architecture: 'all' },
      { name: 'liblz4-1', version: '1.9.4-1', architecture: 'arm64' },
      { name: 'libssl3', version: '3.0.22-1~deb12u2', architecture: 'amd64' },
    ]);
  });

  it.each([
    ['redis-server', true],
    ['redis-tools', true],
    ['libssl3', true],
    ['zlib1g', true],
    ['libc6', false],
    ['libperl5.36', false],
    ['libfile-find-rule-perl', false],
    ['perl-base', false],
    ['dpkg', false],
  ])('%s: %s', (name, needed) => {
    expect(isNeeded(name, FETCHABLE_SERVICES.redis)).toBe(needed);
  });
});
