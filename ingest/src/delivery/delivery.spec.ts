import { newBatchId, newId } from '@aurorasoc/kit/ids';
import { createNormalizer } from '@aurorasoc/normalize';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Batch } from '../batch/batch.js';
import { createIngestMetrics } from '../metrics.js';
import { type RedisServer, startRedis } from '../testing/redis.js';
import { makeFolder, silentLog, type TestFolder, until } from '../testing/site.js';
import { makeBatch, openSpool } from '../testing/spool.js';
import { StandInStorage, TELEMETRY } from '../testing/storage.js';
import { Delivery } from './delivery.js';
import { createEventRoute } from './event-route.js';
import { createTelemetryRoute } from './telemetry-route.js';

let redis: RedisServer;
let folder: TestFolder;

beforeAll(async () => {
  redis = await startRedis();
  folder = makeFolder();
});
afterAll(async () => {
  await redis.stop();
  folder.remove();
});

it('holds up no batch for the consumer of another kind, and forgets each when its own has acknowledged it', async () => {
  const { spool, health } = await openSpool(folder.spoolFolder);
  const delivery = new Delivery({
    routes: [createEventRoute(createNormalizer(), 1), createTelemetryRoute(1)],
    spool,
    redisUrl: redis.url,
    instanceId: newId(),
    resendMs: 30_000,
    onErased: () => undefined,
    windowBatches: 2,
    metrics: createIngestMetrics(health.metrics),
    health,
    log: silentLog,
  });
  const storage = new StandInStorage(redis.client).start();
  const devices = new StandInStorage(redis.client, TELEMETRY);
  const telemetry = Array.from({ length: 3 }, (_, n) =>
    makeBatch([`message ${n}`], { id: newId(), tenant: '', device: newId() }),
  );
  const events = Array.from({ length: 3 }, (_, n) => makeBatch([`{"n":${n}}`], { id: newBatchId() }));
  const idsOf = (batches: readonly Batch[]): string[] => batches.map(({ header }) => header.id).sort();
  try {
    await spool.append([...telemetry, ...events]);
    for (const { header, body } of [...telemetry, ...events]) delivery.add(header, body.byteLength);
    delivery.start();
    await until(() => spool.batches === telemetry.length, 'the events are acknowledged');
    expect([...storage.entries.keys()].sort()).toEqual(idsOf(events));
    expect(await redis.client.xlen(TELEMETRY.stream)).toBe(2);
    devices.start();
    await until(() => spool.batches === 0, 'the telemetry is acknowledged');
    expect([...devices.entries.keys()].sort()).toEqual(idsOf(telemetry));
  } finally {
    await delivery.stop(0);
    await storage.stop();
    await devices.stop();
    await spool.close();
  }
});
