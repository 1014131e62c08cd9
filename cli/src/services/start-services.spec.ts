import { once } from 'node:events';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ServiceError } from './service-error.js';
import { type RunningServices, type ServicesOptions, startServices } from './start-services.js';
import { makeScratchFolder } from './testing/scratch-folder.js';

vi.setConfig({ testTimeout: 60_000 });

async function start(
  dataDir: string,
  options: Partial<ServicesOptions> = {},
): Promise<RunningServices & { lines: string[] }> {
  const lines: string[] = [];
  const running = await startServices({
    dataDir,
    services: ['postgres', 'redis'],
    durable: false,
    log: (line) => lines.push(line),
    ...options,
  });
  onTestFinished(() => running.stop());
  return Object.assign(running, { lines });
}

async function query(services: RunningServices, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: services.postgres?.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function connectRedis(url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => null });
  client.on('error', () => {}); // each command rejects as well
  onTestFinished(() => client.disconnect());
  return client;
}

async function redis<T>(services: RunningServices, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = connectRedis(services.redis?.url ?? '');
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** Another program on `port`, until the test ends. */
async function occupyPort(port: number): Promise<void> {
  const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
}

async function writeMarks(services: RunningServices): Promise<void> {
  await query(services, 'create table mark as select 42 as answer');
  await redis(services, (client) => client.xadd('marks', '1-1', 'answer', '42'));
}

async function expectMarks(services: RunningServices): Promise<void> {
  expect(await query(services, 'select answer from mark')).toEqual([{ answer: 42 }]);
  expect(await redis(services, (client) => client.xrange('marks', '-', '+'))).toEqual([['1-1', ['answer', '42']]]);
}

describe('startServices', () => {
  it('keeps URLs and data from one start to the next', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    const first = await start(dataDir);
    await writeMarks(first);
    await first.stop();
    const second = await start(dataDir);
    expect([second.postgres, second.redis]).toEqual([first.postgres, first.redis]);
    await expectMarks(second);
    expect(second.lines).toEqual([]);
  });

  it('lets nobody in without the password, and keeps that from other users', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    const services = await start(dataDir);
    const { port } = services.postgres ?? {};
    const stranger = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: 'guessed' });
    await expect(stranger.connect()).rejects.toMatchObject({ code: '28P01' });
    await expect(connectRedis(`redis://127.0.0.1:${services.redis?.port}`).get('x')).rejects.toThrow('NOAUTH');

    for (const file of [
      'secrets/postgres.password',
      'secrets/redis.password',
      'redis/redis.conf',
      'logs/postgres.log',
      'run/redis.json',
    ]) {
      expect(statSync(join(dataDir, file)).mode & 0o077, file).toBe(0);
    }
    for (const { service, guard } of Object.values(services.pids)) {
      for (const pid of [service, guard]) {
        const visible = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        for (const name of ['postgres', 'redis'])
          expect(visible).not.toContain(readFileSync(join(dataDir, `secrets/${name}.password`), 'utf8'));
      }
    }
  });

  it('listens on loopback alone, and waits for the disk only when durable', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    const settings = `select name, setting from pg_settings where name in ('listen_addresses', 'unix_socket_directories', 'fsync', 'full_page_writes', 'synchronous_commit') order by name`;
    const readSettings = async (services: RunningServices) => [
      ...(await query(services, settings)).map(({ setting }) => setting),
      ...((await redis(services, (client) =>
        client.config('GET', 'bind', 'appendfsync', 'maxmemory-policy', 'appendonly', 'save'),
      )) as string[]),
    ];
    const durable = await start(dataDir, { durable: true });
    const durableSettings = await readSettings(durable);
    expect(durableSettings.slice(0, 5)).toEqual(['on', 'on', '127.0.0.1', 'on', '']);
    expect(durableSettings.slice(5)).toEqual(expect.arrayContaining(['everysec', '127.0.0.1', 'noeviction', 'yes']));
    await durable.stop();
    const volatile = await readSettings(await start(dataDir));
    expect(volatile.slice(0, 5)).toEqual(['off', 'off', '127.0.0.1', 'on', '']);
  });

  it('moves to another port, and says so, when the old one has been taken', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    const first = await start(dataDir, { services: ['redis'] });
    await first.stop();
    const oldPort = first.redis?.port ?? 0;
    await occupyPort(oldPort);
    const second = await start(dataDir, { services: ['redis'] });
    expect(second.redis?.port).not.toBe(oldPort);
    expect(second.lines).toEqual([expect.stringContaining(`Port ${oldPort} of redis is taken`)]);
    expect(await redis(second, (client) => client.ping())).toBe('PONG');
  });

  it('starts only what was asked for', async () => {
    const services = await start(join(makeScratchFolder(), 'data'), { services: ['redis'] });
    expect(services.postgres).toBeUndefined();
    expect(Object.keys(services.pids)).toEqual(['redis']);
    expect(() => services.kill('postgres', 'SIGKILL')).toThrow('postgres is not among the started services');
  });

  it('refuses a data folder that this process already serves, naming the process', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    const first = await start(dataDir, { services: ['redis'] });
    const second = start(dataDir, { services: ['redis'] });
    await expect(second).rejects.toMatchObject({
      code: 'DATA_DIR_LOCKED',
      publicMessage: expect.stringContaining(`process ${process.pid}`),
    });
    expect(await redis(first, (client) => client.ping())).toBe('PONG');
  });

  it('refuses the data of another major version of PostgreSQL', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    await (await start(dataDir, { services: ['postgres'] })).stop();
    writeFileSync(join(dataDir, 'postgres/data/PG_VERSION'), '15\n');
    await expect(start(dataDir, { services: ['postgres'] })).rejects.toMatchObject({
      code: 'DATA_DIR_VERSION',
      publicMessage: expect.stringMatching(/was written by PostgreSQL 15, this is 16/),
    });
  });

  it('says which file is missing or wrong when the password of existing data is', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    await (await start(dataDir, { services: ['postgres'] })).stop();
    const passwordFile = join(dataDir, 'secrets/postgres.password');
    renameSync(passwordFile, `${passwordFile}.away`);
    const unusable = { code: 'DATA_DIR_UNUSABLE', publicMessage: expect.stringContaining(passwordFile) };
    await expect(start(dataDir, { services: ['postgres'] })).rejects.toMatchObject(unusable);
    writeFileSync(passwordFile, 'not-the-right-one');
    await expect(start(dataDir, { services: ['postgres'] })).rejects.toMatchObject(unusable);
  });

  it('shows the last log lines of a service that dies, and leaves nothing running', async () => {
    const dataDir = join(makeScratchFolder(), 'data');
    await (await start(dataDir)).stop();
    const configFile = join(dataDir, 'postgres/data/postgresql.conf');
    const config = readFileSync(configFile);
    writeFileSync(configFile, 'no_such_setting = 1\n');
    const failure: unknown = await start(dataDir).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServiceError);
    expect(failure).toMatchObject({
      code: 'SERVICE_DIED',
      publicMessage: expect.stringMatching(/postgres ended with code 1(.|\n)*no_such_setting/),
    });
    // Redis had started beside it: were it or the lock left behind, this would say so.
    writeFileSync(configFile, config);
    const repaired = await start(dataDir);
    expect(repaired.lines).toEqual([]);
  });
});

describe('one of the running services', () => {
  it('stops and starts again on the same port and data while the other runs on', async () => {
    const services = await start(join(makeScratchFolder(), 'data'));
    await writeMarks(services);
    const before = services.pids;
    await services.stopOne('redis');
    expect(Object.keys(services.pids)).toEqual(['postgres']);
    await expect(redis(services, (client) => client.ping())).rejects.toThrow();
    await services.startOne('redis');
    await expectMarks(services);
    expect(services.pids.postgres).toEqual(before.postgres);
    expect(services.pids.redis).not.toEqual(before.redis);
  });

  it('is reported when it ends by itself, and comes back with what it had acknowledged', async () => {
    const exits: unknown[][] = [];
    const bothEnded = Promise.withResolvers<void>();
    const services = await start(join(makeScratchFolder(), 'data'), {
      onExit: (...exit) => {
        exits.push(exit);
        if (exits.length === 2) bothEnded.resolve();
      },
    });
    await writeMarks(services);
    // A session in mid-query outlives its killed server and holds on to its shared memory.
    const busy = new pg.Client({ connectionString: services.postgres?.url });
    busy.on('error', () => {});
    await busy.connect();
    busy.query('select count(*) from generate_series(1, 100000000)').catch(() => {});
    services.kill('postgres', 'SIGKILL');
    services.kill('redis', 'SIGKILL');
    await bothEnded.promise;
    expect(exits.sort()).toEqual([
      ['postgres', null],
      ['redis', null],
    ]);
    expect(services.pids).toEqual({});
    await Promise.all([services.startOne('postgres'), services.startOne('redis')]);
    await expectMarks(services);
  });

  it('is not reported when it was stopped', async () => {
    const onExit = vi.fn();
    const services = await start(join(makeScratchFolder(), 'data'), { services: ['redis'], onExit });
    await services.stopOne('redis');
    await services.stop();
    expect(onExit).not.toHaveBeenCalled();
  });

  it('does not come back on a port that another program has taken meanwhile', async () => {
    const services = await start(join(makeScratchFolder(), 'data'), { services: ['redis'] });
    await services.stopOne('redis');
    await occupyPort(services.redis?.port ?? 0);
    await expect(services.startOne('redis')).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  });
});
