import { Health } from '@aurorasoc/kit/health';
import { newBatchId } from '@aurorasoc/kit/ids';
import type { Logger } from '@aurorasoc/kit/log';
import type { Redis } from '@aurorasoc/kit/streams';
import type { Normalizer } from '@aurorasoc/normalize';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createIngestMetrics } from '../metrics.js';
import type { Spool } from '../spool/spool.js';
import { DeliveryQueue } from './delivery-queue.js';
import { createEventRoute } from './event-route.js';
import { Publisher } from './publisher.js';

const lines = Buffer.from('one line\n');

it.each([
  ['the spool', { read: () => Promise.reject(new Error('EIO')) }, {}, 'A batch cannot be read from the spool'],
  [
    'the normaliser',
    { read: async (id: string) => ({ header: { id, received: '2026-11-23T12:00:00.000Z', lines: 1 }, body: lines }) },
    {
      normalize: () => {
        throw new TypeError('a bug');
      },
    },
    'A batch cannot be made an entry; it stays in the spool',
  ],
])('a batch that fails by %s is put off, and the log blames the right part', async (_, spool, normalizer, message) => {
  const logged: unknown[] = [];
  const health = new Health('ingest');
  const queue = new DeliveryQueue({ maxBatches: 10, maxBytes: 1_000, resendMs: 1_000, now: () => performance.now() });
  const publisher = new Publisher({
    route: createEventRoute(normalizer as unknown as Normalizer, 1),
    spool: { has: () => true, ...spool } as unknown as Spool,
    queue,
    redis: { status: 'ready' } as unknown as Redis,
    metrics: createIngestMetrics(health.metrics),
    health,
    log: { error: (_fields: unknown, text: string) => logged.push(text) } as unknown as Logger,
  });
  const postpone = vi.spyOn(queue, 'postpone');
  const id = newBatchId();
  queue.add({ id, bytes: lines.byteLength });
  publisher.start();
  onTestFinished(() => publisher.stop(0));
  await vi.waitFor(() => expect(logged).toEqual([message]), { timeout: 10_000 });
  expect(postpone.mock.calls).toEqual([[id]]);
});
