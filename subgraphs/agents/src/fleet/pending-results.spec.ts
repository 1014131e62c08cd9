import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServices, startServices } from '@aurorasoc/cli/services';
import { AuroraError, TransientError } from '@aurorasoc/kit/errors';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import { connectRedis, whenReady } from '@aurorasoc/kit/streams';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RESULT_STREAM } from '../events.js';
import { createTaskMetrics } from '../task/task-metrics.js';
import { PATIENCE } from '../testing/investigations.js';
import { PendingResults } from './pending-results.js';
import type { DelegatedTask } from './tools/graph-tools.js';

let folder: string;
let redis: RunningServices;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aurora-results-'));
  redis = await startServices({ dataDir: folder, services: ['redis'], durable: false, log: () => undefined });
}, 60_000);
afterAll(async () => {
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the future of a delegated task', () => {
  const hour = 3_600_000;
  const completed = (id: string): DelegatedTask => ({ id, status: 'COMPLETED', result: {}, failure: null });

  async function openResults(pollMs: number) {
    const health = new Health('fleet');
    const results = new PendingResults({
      reader: connectRedis(redis.redis?.url ?? '', 'results', health),
      metrics: createTaskMetrics(health),
      health,
      log: createLog('fleet', 'silent'),
      pollMs,
    });
    const writer = connectRedis(redis.redis?.url ?? '', 'writer', health);
    await whenReady(writer, 5_000);
    onTestFinished(async () => {
      await results.stop();
      writer.disconnect();
    });
    const announce = (id: string) => {
      const data = { investigationId: newId(), agent: 'endpoint', status: 'COMPLETED', fence: 1 };
      const body = JSON.stringify({ time: new Date().toISOString(), actor: { kind: 'agent', id: 'endpoint' }, data });
      return writer.xadd(
        RESULT_STREAM,
        '*',
        'id',
        newId(),
        'type',
        'task.completed',
        'subject',
        id,
        'tenant',
        newId(),
        'body',
        body,
      );
    };
    return { results, announce, health, metrics: () => health.metrics.metrics() };
  }

  it('resolves when the stream tells, and the latency is measured', async () => {
    const { results, announce, metrics, health } = await openResults(hour);
    results.start();
    const id = newId();
    let row: DelegatedTask | undefined;
    const waiting = results.wait(id, async () => row, new AbortController().signal);
    await vi.waitFor(
      async () => expect(await metrics()).toMatch(/aurora_agent_result_futures_pending\{.*\} 1/),
      PATIENCE,
    );
    await vi.waitFor(() => expect(health.report().components.results?.state).toBe('up'), PATIENCE);
    row = completed(id);
    await announce(id);
    expect(await waiting).toEqual(row);
    expect(await metrics()).toMatch(/aurora_agent_result_futures_pending\{.*\} 0/);
    await vi.waitFor(
      async () =>
        expect(await metrics()).toMatch(
          /aurora_agent_result_correlation_latency_ms_count\{.*agent="endpoint".*outcome="completed".*\} [1-9]/,
        ),
      PATIENCE,
    );
  });

  it('looks at the row when the reader takes its place: what was told before is not on the stream any more', async () => {
    const { results, announce } = await openResults(hour);
    const id = newId();
    let row: DelegatedTask | undefined;
    const asked = Promise.withResolvers<void>();
    const readTask = async () => {
      asked.resolve();
      return row;
    };
    const waiting = results.wait(id, readTask, new AbortController().signal);
    await asked.promise;
    row = completed(id);
    await announce(id);
    results.start();
    expect(await waiting).toEqual(row);
  });

  it('asks the row now and then, whatever the stream does', async () => {
    const { results } = await openResults(20);
    const id = newId();
    let asked = 0;
    expect(
      await results.wait(id, async () => (++asked < 3 ? undefined : completed(id)), new AbortController().signal),
    ).toEqual(completed(id));
  });

  it('goes on while the graph cannot be asked, and throws on what the graph refuses', async () => {
    const { results } = await openResults(20);
    const id = newId();
    let asked = 0;
    const away = async () => {
      if (++asked < 3) throw new TransientError('The gateway cannot be reached');
      return completed(id);
    };
    expect(await results.wait(id, away, new AbortController().signal)).toEqual(completed(id));
    const refused = async () => {
      throw new AuroraError({ code: 'FORBIDDEN', publicMessage: 'no' });
    };
    await expect(results.wait(id, refused, new AbortController().signal)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('ends with whoever waits', async () => {
    const { results } = await openResults(hour);
    const abort = new AbortController();
    const waiting = results.wait(newId(), async () => undefined, abort.signal);
    abort.abort(new Error('nobody waits'));
    await expect(waiting).rejects.toThrow('nobody waits');
  });
});
