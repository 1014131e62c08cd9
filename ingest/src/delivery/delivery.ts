/**
 * Brings batches from the spool to their consumers, each by its route, until these have acknowledged them.
 *
 * Every route has a queue and a window of its own: a consumer that stands still holds up no other.
 */
import type { Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { connectRedis, type Redis } from '@aurorasoc/kit/streams';
import type { BatchHeader } from '../batch/batch.js';
import type { IngestMetrics } from '../metrics.js';
import type { Spool } from '../spool/spool.js';
import { Acknowledgements } from './acknowledgements.js';
import { DeliveryQueue } from './delivery-queue.js';
import { Publisher } from './publisher.js';
import type { Route } from './route.js';
import { StreamWatch } from './stream-watch.js';

export interface DeliveryOptions {
  readonly routes: readonly Route[];
  readonly spool: Spool;
  readonly redisUrl: string;
  /** Of this spool, see {@link StreamWatch}. */
  readonly instanceId: string;
  /** Wait for an acknowledgement before the first resend, milliseconds. */
  readonly resendMs: number;
  /** Told whose batch a consumer has discarded: that tenant was erased. */
  readonly onErased: (tenant: string) => void;
  readonly metrics: IngestMetrics;
  readonly health: Health;
  readonly log: Logger;
  /** Most batches of a route that are sent and not acknowledged. @default 4 096 */
  readonly windowBatches?: number;
}

/** Entries of a route that are not acknowledged yet take at most about this much of Redis, before normalisation. */
const WINDOW_BYTES = 128 * 1024 * 1024;
const WINDOW_BATCHES = 4_096;

export class Delivery {
  readonly #redis: Redis;
  readonly #watch: StreamWatch;
  readonly #routes: readonly RouteDelivery[];

  constructor(private readonly options: DeliveryOptions) {
    const { routes, redisUrl, instanceId, metrics, health, log } = options;
    this.#redis = connectRedis(redisUrl, 'publish', health);
    this.#routes = routes.map((route) => new RouteDelivery(route, this.#redis, options));
    this.#watch = new StreamWatch({
      redis: this.#redis,
      instanceId,
      health,
      log,
      onLost: (reason) => {
        for (const route of this.#routes) metrics.resent.inc({ reason }, route.sendAllAgain());
      },
    });
  }

  start(): void {
    this.#watch.start();
    for (const route of this.#routes) route.start(this.#watch.watching);
  }

  /** Takes a batch on that is in the spool. */
  add(header: BatchHeader, bytes: number): void {
    const route = this.#routes.find((each) => each.route.carries(header));
    if (route === undefined) throw new RangeError(`no route carries the batch ${header.id}`);
    route.add(header.id, bytes);
  }

  /** When the oldest batch of a route was received that its stream does not hold, milliseconds of the Unix epoch. */
  oldestUnsentMs(route: Route): number | undefined {
    const oldest = this.#routes.find((each) => each.route === route)?.oldestUnsent;
    return oldest === undefined ? undefined : this.options.spool.receivedMsOf(oldest);
  }

  /** Sends what is ready, for at most `flushMs`; the rest stays in the spool. */
  async stop(flushMs: number): Promise<void> {
    await Promise.all(this.#routes.map((route) => route.publisher.stop(flushMs)));
    await this.#watch.stop();
    await Promise.all(this.#routes.map((route) => route.acknowledgements.stop()));
    this.#redis.disconnect();
  }
}

class RouteDelivery {
  readonly publisher: Publisher;
  readonly acknowledgements: Acknowledgements;
  readonly #queue: DeliveryQueue;

  constructor(
    readonly route: Route,
    redis: Redis,
    { spool, redisUrl, resendMs, onErased, metrics, health, log, windowBatches = WINDOW_BATCHES }: DeliveryOptions,
  ) {
    const queue = new DeliveryQueue({
      maxBatches: windowBatches,
      maxBytes: WINDOW_BYTES,
      resendMs,
      now: () => performance.now(),
    });
    const publisher = new Publisher({ route, spool, queue, redis, metrics, health, log });
    this.#queue = queue;
    this.publisher = publisher;
    this.acknowledgements = new Acknowledgements({
      ...route.acknowledgements,
      component: `acknowledgements of ${route.name}`,
      reader: connectRedis(redisUrl, `acknowledgements of ${route.name}`, health),
      health,
      log,
      onSettled: (batchId, isDiscarded) => {
        const tenant = isDiscarded ? spool.tenantOf(batchId) : undefined;
        // Of a device's message only its consumer knows whose it is.
        if (tenant) onErased(tenant);
        const events = spool.acknowledge(batchId);
        if (events === undefined) return;
        queue.acknowledge(batchId);
        metrics.acknowledged.inc(events);
        publisher.wake();
      },
    });
  }

  /** @param watching - resolves when a loss of the stream would be seen. */
  start(watching: Promise<void>): void {
    this.acknowledgements.start();
    // What the consumer has acknowledged before this start need not be sent again, and nothing is sent whose loss goes unseen.
    void Promise.all([this.acknowledgements.caughtUp, watching]).then(() => this.publisher.start());
  }

  add(id: string, bytes: number): void {
    this.#queue.add({ id, bytes });
    this.publisher.wake();
  }

  get oldestUnsent(): string | undefined {
    return this.#queue.oldestUnsent;
  }

  /** @returns how many batches. */
  sendAllAgain(): number {
    const count = this.#queue.sendAllAgain();
    this.acknowledgements.readFromStart();
    this.publisher.wake();
    return count;
  }
}
