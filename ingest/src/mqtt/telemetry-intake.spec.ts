import { Health } from '@aurorasoc/kit/health';
import { newId, systemClock } from '@aurorasoc/kit/ids';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createIngestMetrics } from '../metrics.js';
import { makeFolder, type TestFolder } from '../testing/site.js';
import { linesOf, openSpool } from '../testing/spool.js';
import { MAX_MESSAGE_BYTES, TelemetryIntake } from './telemetry-intake.js';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

it.each([
  ['a message of a device is on disk', newId(), 3, 0x00, 1],
  ['an empty one as well', newId(), 0, 0x00, 1],
  ['the topic names no device', 'gate-7', 3, 0x90, 0],
  ['the topic has no name at all', '', 3, 0x90, 0],
  ['the largest message', newId(), MAX_MESSAGE_BYTES, 0x00, 1],
  ['one that is larger', newId(), MAX_MESSAGE_BYTES + 1, 0x97, 0],
])('%s', async (_, device, bytes, reason, stored) => {
  const { spool } = await openSpool(folder.spoolFolder);
  const durable: string[] = [];
  const intake = new TelemetryIntake({
    spool,
    clock: systemClock,
    metrics: createIngestMetrics(new Health('ingest').metrics),
    onDurable: (batches) => durable.push(...batches.map(({ header }) => header.id)),
  });
  expect(await intake.take(`aurora/v1/tel/${device}`, Buffer.alloc(bytes, 'x'))).toBe(reason);
  expect(durable).toHaveLength(stored);
  expect(spool.batches).toBe(stored);
  for (const id of durable) expect(await linesOf(spool, id)).toEqual(['x'.repeat(bytes)]);
  await spool.close();
});
