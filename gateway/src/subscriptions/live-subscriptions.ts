/**
 * All live subscriptions of the gateway.
 *
 * Each client of a resumable field begins on a feed of its own, from its own place, until the subgraph says that it has
 * caught up. Then, if nobody of its identity has the same subscription open, that feed becomes the shared one (the hub);
 * otherwise the client steps over to the hub and its own feed closes. Positions compare, so nothing is missed or repeated,
 * and a thousand clients that come back after a restart end on one upstream.
 */
import type { GraphQLDataSource } from '@apollo/gateway';
import type { Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import type { Session } from '../auth/authenticator.js';
import type { SignFor } from '../auth/internal-tokens.js';
import { BoundedCache } from '../bounded-cache.js';
import type { GatewayMetrics } from '../metrics.js';
import type { GatewayContext } from '../request-context.js';
import type { LoadedSupergraph } from '../supergraph.js';
import { Feed, type FeedTaker } from './feed.js';
import { Hub } from './hub.js';
import type { LiveItem } from './live-item.js';
import type { LiveOperation } from './live-operation.js';
import { planSubscription, type SubscriptionPlan } from './plan.js';
import { Reader } from './reader.js';
import { shapeResync } from './resync-item.js';
import type { RingLimits } from './ring.js';

export interface LiveLimits {
  /** Items and bytes kept for one client, for one upstream ahead of its plan, and for stepping over. @default 1 000, 4 MiB */
  readonly ring: RingLimits;
  /** How long all clients of an upstream wait for one that has fallen behind. @default 250 */
  readonly graceMs: number;
}
export const DEFAULT_LIVE_LIMITS: LiveLimits = { ring: { maxItems: 1_000, maxBytes: 4 * 1024 * 1024 }, graceMs: 250 };

export interface LiveSubscriptionsOptions {
  readonly supergraph: LoadedSupergraph;
  readonly dataSources: ReadonlyMap<string, GraphQLDataSource>;
  /** `http://…/graphql` per subgraph; subscriptions use the same address over `ws://`. */
  readonly subgraphUrls: ReadonlyMap<string, string>;
  readonly signFor: SignFor;
  readonly metrics: GatewayMetrics;
  readonly health: Health;
  readonly log: Logger;
  readonly limits: LiveLimits;
}

const PLANS_KEPT = 500;

export class LiveSubscriptions {
  readonly #hubs = new Map<string, Hub>();
  readonly #plans = new BoundedCache<SubscriptionPlan>(PLANS_KEPT);
  readonly #troubles = new Map<Feed, string>();
  readonly #readers = new Set<Reader>();

  constructor(private readonly options: LiveSubscriptionsOptions) {}

  /** Opens a client's subscription. Its items, and the subgraph's refusal if there is one, come by the reader. */
  subscribe(operation: LiveOperation, context: GatewayContext): Reader {
    const key = `${context.session.sharing} ${operation.sharing}`;
    return operation.isResumable
      ? this.#openResumable(key, operation, context)
      : this.#openEphemeral(key, operation, context);
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const reader of this.#readers) void reader.return();
  }

  #openResumable(key: string, operation: LiveOperation, context: GatewayContext): Reader {
    let leave = (): void => feed.close();
    const reader = this.#createReader(operation, context.session, () => leave());
    let isCaughtUp = false;
    const taker: FeedTaker = {
      session: () => context.session,
      ended: (refusal) => reader.end(refusal),
      take: async (item: LiveItem) => {
        reader.offer(item);
        isCaughtUp ||= item.kind === 'caught-up';
        if (isCaughtUp && !reader.isClosed) {
          const hub = this.#stepOver(key, feed, reader);
          if (hub) leave = () => hub.leave(reader);
        }
        await reader.whenRoom();
      },
    };
    const feed = this.#createFeed(operation, context, taker);
    feed.open();
    return reader;
  }

  /** @returns the hub that the reader is on now; undefined when it must stay on its own feed for another item. */
  #stepOver(key: string, feed: Feed, reader: Reader): Hub | undefined {
    const shared = this.#hubs.get(key);
    if (shared) {
      if (!shared.join(reader, reader.place)) return undefined;
      feed.close();
      return shared;
    }
    const hub = this.#createHub(key, feed, reader.place);
    hub.join(reader, reader.place);
    return hub;
  }

  #openEphemeral(key: string, operation: LiveOperation, context: GatewayContext): Reader {
    let hub = this.#hubs.get(key);
    const reader = this.#createReader(operation, context.session, () => hub?.leave(reader));
    if (hub) {
      hub.join(reader, undefined);
      return reader;
    }
    const nobody: FeedTaker = { session: () => context.session, take: async () => undefined, ended: () => undefined };
    const feed = this.#createFeed(operation, context, nobody);
    hub = this.#createHub(key, feed, undefined);
    hub.join(reader, undefined);
    feed.open();
    return reader;
  }

  #createHub(key: string, feed: Feed, place: string | undefined): Hub {
    const { limits } = this.options;
    const hub: Hub = new Hub({
      feed,
      place,
      history: limits.ring,
      graceMs: limits.graceMs,
      onEmpty: () => {
        if (this.#hubs.get(key) === hub) this.#hubs.delete(key);
      },
    });
    feed.taker = hub;
    this.#hubs.set(key, hub);
    return hub;
  }

  #createReader(operation: LiveOperation, session: Session, onClose: () => void): Reader {
    const { metrics, supergraph, limits } = this.options;
    metrics.subscribers.inc();
    const reader: Reader = new Reader({
      session,
      limits: limits.ring,
      after: operation.after,
      shapeResync: operation.isResumable ? (since) => shapeResync(supergraph.apiSchema, operation, since) : undefined,
      onOverflow: (dropped) => {
        if (operation.isResumable) metrics.resyncs.inc();
        else metrics.droppedItems.inc(dropped);
      },
      onClose: () => {
        metrics.subscribers.dec();
        this.#readers.delete(reader);
        onClose();
      },
    });
    this.#readers.add(reader);
    return reader;
  }

  #createFeed(operation: LiveOperation, context: GatewayContext, taker: FeedTaker): Feed {
    const { supergraph, dataSources, subgraphUrls, signFor, metrics, log, limits } = this.options;
    const plan = this.#plans.get(operation.text, () => planSubscription(supergraph, dataSources, operation, log));
    const url = subgraphUrls.get(plan.serviceName);
    if (url === undefined) throw new Error(`there is no address for ${plan.serviceName}`);
    metrics.upstreams.inc();
    const feed: Feed = new Feed(
      {
        operation,
        plan,
        url: url.replace(/^http/, 'ws'),
        limits: limits.ring,
        log,
        authorizationFor: (session) => signFor(plan.serviceName, session),
        traceparent: currentTraceparent(),
        requestId: context.requestId,
        onTrouble: (reason) => this.#setTrouble(feed, reason),
        onClose: () => metrics.upstreams.dec(),
      },
      taker,
    );
    return feed;
  }

  /** The component `live` is degraded while any upstream is away. */
  #setTrouble(feed: Feed, reason: string | undefined): void {
    if (reason === undefined) this.#troubles.delete(feed);
    else this.#troubles.set(feed, reason);
    const [first] = this.#troubles.values();
    if (first === undefined) this.options.health.set('live', 'up');
    else this.options.health.set('live', 'degraded', first);
  }
}
