import type { AddressInfo } from 'node:net';
import type { ApiKeyVerifier } from '@aurorasoc/kit/auth';
import { AuroraError } from '@aurorasoc/kit/errors';
import { Health } from '@aurorasoc/kit/health';
import { systemClock } from '@aurorasoc/kit/ids';
import type { Logger } from '@aurorasoc/kit/log';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createIngestMetrics } from '../metrics.js';
import type { Spool } from '../spool/spool.js';
import { ByteBudget } from './byte-budget.js';
import { ErasedTenants } from './erased-tenants.js';
import { IdempotencyWindow } from './idempotency.js';
import { createIngestServer } from './server.js';

const KIB = 1024;

/** A server whose spool fails with `failure`. @returns its port, and the errors that it logs. */
async function startFailing(failure: Error): Promise<{ port: number; logged: unknown[] }> {
  const logged: unknown[] = [];
  const health = new Health('ingest');
  const server = createIngestServer({
    keys: {
      verify: () => ({ principal: { tenant: 'tenant', scopes: ['events:write'] } }),
    } as unknown as ApiKeyVerifier,
    erased: new ErasedTenants(),
    spool: { append: () => Promise.reject(failure) } as unknown as Spool,
    budget: new ByteBudget(64 * KIB),
    idempotency: new IdempotencyWindow(Date.now),
    limits: { maxBodyBytes: KIB, maxDecodedBytes: KIB },
    metrics: createIngestMetrics(health.metrics),
    clock: systemClock,
    onDurable: () => undefined,
    health,
    log: { error: (fields: unknown) => logged.push(fields) } as unknown as Logger,
    requestTimeoutMs: 1_000,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, logged };
}

describe('a request that fails', () => {
  it.each([
    ['a bug', new TypeError('lines is not iterable')],
    [
      'an error that is not meant for clients',
      new AuroraError({ code: 'CONFLICT', publicMessage: 'the folder is taken' }),
    ],
  ])('by %s is answered with 500, and the log says why, as the answer promises', async (_, failure) => {
    const { port, logged } = await startFailing(failure);
    const response = await fetch(`http://127.0.0.1:${port}/v1/events`, {
      method: 'POST',
      headers: { authorization: 'Bearer aurora_key', 'content-type': 'text/plain' },
      body: 'one line',
    });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('the reason is in the log');
    expect(text).not.toContain(failure.message);
    expect(logged).toEqual([{ error: expect.stringContaining(failure.message) }]);
  });
});
