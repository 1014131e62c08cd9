/**
 * Publishes a route's spooled batches to Redis Streams, each until its consumer has acknowledged it.
 *
 * While Redis is away or refuses to write, batches wait in the spool and acceptance goes on.
 */
import { describeError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import { backoffMs, sleep } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { type Redis, whenReady } from '@aurorasoc/kit/streams';
import { currentTraceparent, inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import type { Batch } from '../batch/batch.js';
import type { IngestMetrics } from '../metrics.js';
import type { Spool } from '../spool/spool.js';
import type { DeliveryQueue, TakenBatch } from './delivery-queue.js';
import type { PreparedEntry, Route } from './route.js';

export interface PublisherOptions {
  readonly route: Route;
  readonly spool: Spool;
  readonly queue: DeliveryQueue;
  readonly redis: Redis;
  readonly metrics: IngestMetrics;
  readonly health: Health;
  readonly log: Logger;
}

interface PreparedBatch {
  readonly batch: Batch;
  readonly entry: PreparedEntry;
}

/** Batches on their way at the same time: enough to fill the pause in which Redis answers. */
const LANES = 4;
const READY_WAIT_MS = 200;
const END_MS = 1_000;
const DUE_CHECK_MS = 250;

export class Publisher {
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  readonly #component: string;
  #lanes: Promise<unknown> = Promise.resolve();
  #dueTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PublisherOptions) {
    this.#component = `publisher of ${options.route.name}`;
  }

  start(): void {
    if (this.#abort.signal.aborted) return;
    this.#lanes = Promise.all(Array.from({ length: LANES }, () => this.#runLane()));
    this.#dueTimer = setInterval(() => this.#sendDueAgain(), DUE_CHECK_MS);
  }

  /** Something may be ready to be sent. */
  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Stops after what is ready was sent, at the latest after `flushMs`, at once while Redis is away; the rest stays in the spool. */
  async stop(flushMs: number): Promise<void> {
    clearInterval(this.#dueTimer);
    const deadline = AbortSignal.timeout(flushMs);
    while (!this.options.queue.isIdle && this.options.redis.status === 'ready' && !deadline.aborted) {
      await sleep(10, deadline);
    }
    this.#abort.abort();
    this.wake();
    await Promise.race([this.#lanes, sleep(END_MS)]);
  }

  async #runLane(): Promise<void> {
    const { queue, redis, metrics, health, log } = this.options;
    const signal = this.#abort.signal;
    for (let failures = 0; !signal.aborted; ) {
      if (!(await whenReady(redis, READY_WAIT_MS))) continue;
      const batch = queue.take();
      if (batch === undefined) {
        await this.#waitForWork();
        continue;
      }
      const prepared = await this.#prepare(batch);
      if (prepared === undefined) continue;
      try {
        await this.#addEntry(prepared);
        this.#noteSuccess(batch, prepared);
        failures = 0;
      } catch (error) {
        queue.markFailed(batch.id);
        metrics.publishFailures.inc();
        health.set(this.#component, 'degraded', describeError(error));
        log.warn(
          { batchId: batch.id, error: describeError(error) },
          'A batch could not be published and is tried again',
        );
        await sleep(backoffMs(failures++, 100, 2_000), signal);
      }
    }
  }

  /** Undefined when there is nothing to send: acknowledged meanwhile by an entry of an earlier time, or put off. */
  async #prepare({ id }: TakenBatch): Promise<PreparedBatch | undefined> {
    const { spool, route } = this.options;
    let batch: Batch | undefined;
    try {
      batch = await spool.read(id);
    } catch (error) {
      // An acknowledgement may close the segment under the reader.
      return spool.has(id) ? this.#putOff(id, error, 'A batch cannot be read from the spool') : undefined;
    }
    try {
      return batch && { batch, entry: route.prepare(batch) };
    } catch (error) {
      return this.#putOff(id, error, 'A batch cannot be made an entry; it stays in the spool');
    }
  }

  #putOff(batchId: string, error: unknown, message: string): undefined {
    this.options.queue.postpone(batchId);
    this.options.log.error({ batchId, error: error instanceof Error ? error.stack : String(error) }, message);
  }

  #noteSuccess({ id, isRepeat }: TakenBatch, { batch, entry }: PreparedBatch): void {
    const { queue, metrics, health } = this.options;
    health.set(this.#component, 'up');
    queue.markSent(id);
    if (isRepeat) return;
    metrics.published.inc(batch.header.lines);
    for (const [reason, count] of entry.raw) metrics.raw.inc({ reason }, count);
  }

  #addEntry({ batch, entry }: PreparedBatch): Promise<unknown> {
    const { redis, route } = this.options;
    const { id, lines, traceparent } = batch.header;
    const stream = route.streamOf(id);
    const attributes = {
      'messaging.system': 'redis',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'XADD',
      'messaging.destination.name': stream,
      'messaging.message.id': id,
      'messaging.batch.message_count': lines,
    };
    const options = { kind: SpanKind.PRODUCER, parent: traceparent, root: traceparent === undefined, attributes };
    return inSpan(`send ${stream}`, options, () => redis.xadd(stream, '*', ...entry.fields(currentTraceparent())));
  }

  #sendDueAgain(): void {
    const { queue, metrics, redis, log } = this.options;
    // While Redis is away no acknowledgement can come either.
    if (redis.status !== 'ready') return;
    const count = queue.sendDueAgain();
    if (count === 0) return;
    metrics.resent.inc({ reason: 'timeout' }, count);
    log.warn({ batches: count }, 'No acknowledgement came in time; sending again');
    this.wake();
  }

  #waitForWork(): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add(resolve));
  }
}
