import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ingest, IngestOptions } from './create-ingest.js';
import { type RedisServer, startRedis } from './testing/redis.js';
import { makeFolder, metric, send, startIngest, type TestFolder, until } from './testing/site.js';
import { StandInStorage } from './testing/storage.js';

// Servers and processes start and end in these specs; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let redis: RedisServer;
let folder: TestFolder;
let storage: StandInStorage;
let ingest: Ingest;

beforeEach(async () => {
  redis = await startRedis();
  folder = makeFolder();
  storage = new StandInStorage(redis.client);
});
afterEach(async () => {
  await ingest.stop();
  await storage.stop();
  await redis.stop();
  folder.remove();
});

const start = async (overrides: Partial<IngestOptions> = {}): Promise<void> => {
  ingest = await startIngest(folder, redis.url, overrides);
  await until(() => ingest.health.report().components.redis?.state === 'up', 'Redis is connected');
};
const STREAM = 'aurora:ingest:events:0';
const sendMany = async (count: number): Promise<string[]> => {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => send(ingest.port, folder.token, `{"n":${index}}\n{"n":"second"}`)),
  );
  expect(answers.every(({ status }) => status === 202)).toBe(true);
  return answers.flatMap(({ batches }) => batches);
};
const component = (name: string): string | undefined => ingest.health.report().components[name]?.state;
const isEmpty = async (): Promise<boolean> => (await metric(ingest, 'ingest_unacknowledged_batches')) === 0;
/** Nothing is published before the watch of the stream has left its marker, which it cannot in a Redis that refuses writes. */
const untilWatched = () =>
  until(async () => (await redis.client.keys('aurora:ingest:marker:*')).length > 0, 'the stream is watched');
const expectStoredOnce = (batches: readonly string[]): void => {
  expect([...storage.entries.keys()].sort()).toEqual([...batches].sort());
  expect(storage.changed.size).toBe(0);
};

describe('when Redis', () => {
  it('is killed, batches are accepted on, health says so, and everything is published when it is back', async () => {
    await start();
    storage.start();
    const before = await sendMany(20);
    await redis.kill();
    await until(() => component('redis') === 'degraded', 'health shows it');
    const during = await sendMany(20);
    expect(ingest.health.isReady).toBe(true);
    await redis.restart();
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce([...before, ...during]);
    expect(component('redis')).toBe('up');
  });

  it('is away at start, ingest accepts nevertheless', async () => {
    await redis.kill();
    ingest = await startIngest(folder, redis.url);
    const batches = await sendMany(5);
    await redis.restart();
    storage.start();
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(batches);
  });

  it('restarts, everything unacknowledged is sent again at once', async () => {
    await start();
    const batches = await sendMany(10);
    await until(async () => (await redis.client.xlen(STREAM)) === 10, 'the stream has all');
    // The last second of the append-only file, lost.
    await redis.client.del(STREAM);
    await redis.kill();
    await redis.restart();
    await until(async () => (await redis.client.xlen(STREAM)) === 10, 'the stream has all again');
    expect(await metric(ingest, 'ingest_batches_resent_total', { reason: 'redis_restarted' })).toBe(10);
    expect(await metric(ingest, 'ingest_events_published_total')).toBe(20);
    storage.start();
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(batches);
  });

  it('is wiped, everything unacknowledged is sent again at once', async () => {
    await start();
    const batches = await sendMany(10);
    await until(async () => (await redis.client.xlen(STREAM)) === 10, 'the stream has all');
    await redis.client.flushall();
    await until(async () => (await redis.client.xlen(STREAM)) === 10, 'the stream has all again');
    expect(await metric(ingest, 'ingest_batches_resent_total', { reason: 'redis_wiped' })).toBe(10);
    storage.start();
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(batches);
  });

  it('is wiped and its acknowledgements start over, later ones are still read', async () => {
    await start();
    storage.start();
    const batches = await sendMany(30);
    await until(isEmpty, 'everything is acknowledged');
    await redis.client.flushall();
    batches.push(...(await sendMany(3)));
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(batches);
  });

  it('holds acknowledgements that begin anew at lower positions, they are still read', async () => {
    await start();
    storage.start();
    const batches = await sendMany(30);
    await until(isEmpty, 'everything is acknowledged');
    await storage.startNewEpoch();
    batches.push(...(await sendMany(3)));
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(batches);
  });

  it('is full, batches wait in the spool until it has room', async () => {
    await start();
    storage.start();
    await untilWatched();
    await redis.client.config('SET', 'maxmemory', '1');
    const batches = await sendMany(5);
    await until(() => component('publisher of events') === 'degraded', 'health shows it');
    expect(ingest.health.report().components['publisher of events']?.reason).toContain('OOM');
    await redis.client.config('SET', 'maxmemory', '0');
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(batches);
    expect(component('publisher of events')).toBe('up');
  });

  it('is demoted to a replica, batches are published when the name leads to a primary again', async () => {
    await start();
    await untilWatched();
    await redis.client.replicaof('127.0.0.1', 1);
    const batches = await sendMany(5);
    await until(async () => (await metric(ingest, 'ingest_publish_failures_total')) > 0, 'a write was refused');
    await redis.client.replicaof('NO', 'ONE');
    storage.start();
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(batches);
  });

  it('neither answers nor closes, health shows it within seconds and everything goes on after', async () => {
    await start();
    redis.signal('SIGSTOP');
    const batches = await sendMany(5);
    await until(() => component('redis') === 'degraded', 'health shows it');
    redis.signal('SIGCONT');
    storage.start();
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(batches);
  });
});

describe('when storage', () => {
  it('does not acknowledge in time, the batch is sent again with the same bytes', async () => {
    await start({ resendMs: 100 });
    storage.isAcknowledging = false;
    storage.start();
    const [batch = ''] = await sendMany(1);
    await until(() => (storage.deliveries.get(batch) ?? 0) >= 3, 'the batch came three times');
    storage.isAcknowledging = true;
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce([batch]);
  });

  it('acknowledged while ingest was down, nothing is sent again', async () => {
    await start();
    storage.isAcknowledging = false;
    storage.start();
    const batches = await sendMany(10);
    await until(() => storage.entries.size === 10, 'everything is stored');
    await ingest.stop();
    storage.isAcknowledging = true;
    await until(async () => (await redis.client.xlen('aurora:alerts:acknowledgements')) === 10, 'storage acknowledged');
    await start();
    expect(await metric(ingest, 'ingest_events_recovered_total')).toBe(20);
    await until(isEmpty, 'the acknowledgements are learned');
    expect(batches.map((id) => storage.deliveries.get(id))).toEqual(batches.map(() => 1));
  });

  it('stands still while the spool fills, requests are refused until it goes on, and nothing accepted is lost', async () => {
    await start({ spoolMaxBytes: 64 * 1024 });
    const line = JSON.stringify({ text: 'x'.repeat(7_000) });
    const accepted: string[] = [];
    let refused = await send(ingest.port, folder.token, line);
    while (refused.status === 202) {
      accepted.push(...refused.batches);
      refused = await send(ingest.port, folder.token, line);
    }
    expect(refused).toMatchObject({ status: 503, error: { code: 'STORAGE_FULL' } });
    expect(refused.headers.get('retry-after')).toBe('5');
    expect((await fetch(`http://127.0.0.1:${ingest.port}/readyz`)).status).toBe(503);
    expect(await metric(ingest, 'ingest_events_refused_total', { reason: 'STORAGE_FULL' })).toBe(1);
    storage.start();
    await until(() => ingest.health.isReady, 'there is room');
    accepted.push(...(await send(ingest.port, folder.token, line)).batches);
    await until(isEmpty, 'everything is acknowledged');
    expectStoredOnce(accepted);
  });
});
