import { startTelemetry, type Telemetry } from '@aurorasoc/kit/telemetry';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Ingest } from './create-ingest.js';
import { type RedisServer, startRedis } from './testing/redis.js';
import { makeFolder, send, startIngest, type TestFolder, until } from './testing/site.js';
import { StandInStorage } from './testing/storage.js';

// Servers and processes start and end in these specs; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let telemetry: Telemetry;
let redis: RedisServer;
let folder: TestFolder;
let ingest: Ingest;
let storage: StandInStorage;

beforeAll(async () => {
  telemetry = startTelemetry('ingest', undefined);
  redis = await startRedis();
  folder = makeFolder();
  ingest = await startIngest(folder, redis.url);
  storage = new StandInStorage(redis.client).start();
});
afterAll(async () => {
  await ingest.stop();
  await storage.stop();
  await redis.stop();
  folder.remove();
  await telemetry.shutdown();
});

const entryOf = (batch: string | undefined) => until(() => storage.entries.get(batch ?? ''), 'the batch is stored');

it("continues the caller's trace up to the entry, which names the span that sent it", async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const answer = await send(ingest.port, folder.token, '{"n":1}', { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  const { traceparent } = await entryOf(answer.batches[0]);
  expect(traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  expect(traceparent).not.toContain('00f067aa0ba902b7');
});

it.each([{}, { traceparent: 'no trace context' }])(
  'starts a trace of its own for a caller with %j',
  async (headers) => {
    const answer = await send(ingest.port, folder.token, '{"n":1}', headers as Record<string, string>);
    expect((await entryOf(answer.batches[0])).traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  },
);
