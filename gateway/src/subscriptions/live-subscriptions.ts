/**
 * All live subscriptions of the gateway.
 *
 * Each client of a resumable field begins on a feed of its own, from its own place. If nobody of its identity has the same
 * subscription open, that feed becomes the shared one (the hub), as soon as the subgraph has accepted the cursor;
 * otherwise the client steps over to the hub once the hub's last items reach back to its place, and its own feed closes.
 * Positions compare, so nothing is missed or repeated, but for an item that failed as a whole: it has no place, and a client that
 * joins a hub which is behind it may get it twice. A thousand clients that come back after a restart therefore share one backlog,
 * as far as it fits into their queues: waiting until each has read its own would let them hold each other up without an end.
 */
import type { GraphQLDataSource } from '@apollo/gateway';
import type { Logger } from '@aurorasoc/kit/log';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import type { Session } from '../auth/authenticator.js';
import type { SignFor } from '../auth/internal-tokens.js';
import type { GatewayMetrics } from '../metrics.js';
import type { GatewayContext } from '../request-context.js';
import type { LoadedSupergraph } from '../supergraph.js';
import { DOCUMENT_CACHE, TextCache } from '../text-cache.js';
import { Feed, type FeedTaker } from './feed.js';
import { Hub } from './hub.js';
import type { LiveHealth } from './live-health.js';
import type { LiveItem } from './live-item.js';
import type { LiveOperation } from './live-operation.js';
import { planSubscription, type SubscriptionPlan } from './plan.js';
import { Reader } from './reader.js';
import type { RingLimits } from './ring.js';
import { shapeCaughtUp, shapeResync } from './shape-item.js';

export interface LiveLimits {
  /** Items and bytes kept for one client, for one upstream ahead of its plan, and for stepping over. @default 1 000, 4 MiB */
  readonly ring: RingLimits;
  /** How long all clients of an upstream wait at a time for one that has fallen behind, milliseconds. @default 250 */
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
  readonly health: LiveHealth;
  readonly log: Logger;
  readonly limits: LiveLimits;
}

/** A client that a hub turns away has far to read: it asks again at each so many of its items, and once its backlog is through. */
const ASKS_AGAIN_AFTER = 50;

/** How an operation is run, and the `ws://` address of the subgraph that owns it. */
interface Planned {
  readonly plan: SubscriptionPlan;
  readonly url: string;
}

export class LiveSubscriptions {
  readonly #hubs = new Map<string, Hub>();
  readonly #plans = new TextCache<SubscriptionPlan>(DOCUMENT_CACHE);
  readonly #readers = new Set<Reader>();

  constructor(private readonly options: LiveSubscriptionsOptions) {}

  /**
   * Opens a client's subscription. Its items, and the subgraph's refusal if there is one, come by the reader.
   * @throws Error when the operation cannot be planned; nothing is opened or counted then.
   */
  subscribe(operation: LiveOperation, context: GatewayContext): Reader {
    const planned = this.#plan(operation);
    const key = `${context.session.sharing} ${operation.sharing}`;
    return operation.isResumable
      ? this.#openResumable(key, operation, planned, context)
      : this.#openEphemeral(key, operation, planned, context);
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const reader of this.#readers) void reader.return();
  }

  #openResumable(key: string, operation: LiveOperation, planned: Planned, context: GatewayContext): Reader {
    let leave = (): void => feed.close();
    const reader = this.#createReader(operation, context.session, () => leave());
    let turnedAway = 0;
    const taker: FeedTaker = {
      session: () => context.session,
      ended: (refusal) => reader.end(refusal),
      take: async (item: LiveItem) => {
        // Without a cursor a client has no place before the subgraph has told one; and an item without one, which failed as a
        // whole, is handed on to those that join only behind others that have one.
        const isDelivered = reader.place === undefined || item.cursor === undefined;
        if (isDelivered) reader.offer(item);
        const mayStepOver = !reader.isClosed && mayShare(operation, item);
        const asks = mayStepOver && (turnedAway % ASKS_AGAIN_AFTER === 0 || item.kind === 'caught-up');
        const hub = asks
          ? this.#stepOver(key, operation, feed, reader, isDelivered && item.kind === 'caught-up')
          : undefined;
        if (hub) leave = () => hub.leave(reader);
        else if (mayStepOver) turnedAway += 1;
        if (feed.taker === hub && !isDelivered) return hub.take(item);
        if (hub === undefined && !isDelivered) reader.offer(item);
        await reader.whenRoom();
      },
    };
    const feed = this.#createFeed(operation, planned, context, taker);
    feed.open();
    return reader;
  }

  /**
   * @param hasCaughtUp - the client has been told "caught up".
   * @returns the hub that the reader is on now; undefined when it must stay on its own feed for another item.
   */
  #stepOver(key: string, operation: LiveOperation, feed: Feed, reader: Reader, hasCaughtUp: boolean): Hub | undefined {
    const shared = this.#hubs.get(key);
    if (!shared) {
      const hub = this.#createHub(key, feed, reader.place, hasCaughtUp);
      hub.join(reader, reader.place);
      return hub;
    }
    if (!shared.join(reader, reader.place)) return undefined;
    feed.close();
    // The hub's own "caught up" has gone by; a client that has yet to hear it hears it where it stands.
    if (shared.isCaughtUp && !hasCaughtUp && reader.place !== undefined) {
      reader.offer(shapeCaughtUp(this.options.supergraph.apiSchema, operation, reader.place));
    }
    return shared;
  }

  #openEphemeral(key: string, operation: LiveOperation, planned: Planned, context: GatewayContext): Reader {
    let hub = this.#hubs.get(key);
    const reader = this.#createReader(operation, context.session, () => hub?.leave(reader));
    if (hub) {
      hub.join(reader, undefined);
      return reader;
    }
    const nobody: FeedTaker = { session: () => context.session, take: async () => undefined, ended: () => undefined };
    const feed = this.#createFeed(operation, planned, context, nobody);
    hub = this.#createHub(key, feed, undefined, true);
    hub.join(reader, undefined);
    feed.open();
    return reader;
  }

  #createHub(key: string, feed: Feed, place: string | undefined, isCaughtUp: boolean): Hub {
    const { limits } = this.options;
    const hub: Hub = new Hub({
      feed,
      place,
      isCaughtUp,
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

  #plan(operation: LiveOperation): Planned {
    const { supergraph, dataSources, subgraphUrls, log } = this.options;
    const plan = this.#plans.get(operation.text) ?? planSubscription(supergraph, dataSources, operation, log);
    this.#plans.add(operation.text, plan);
    const url = subgraphUrls.get(plan.serviceName);
    if (url === undefined) throw new Error(`there is no address for ${plan.serviceName}`);
    return { plan, url: url.replace(/^http/, 'ws') };
  }

  #createFeed(operation: LiveOperation, { plan, url }: Planned, context: GatewayContext, taker: FeedTaker): Feed {
    const { signFor, metrics, health, log, limits } = this.options;
    metrics.upstreams.inc();
    const feed: Feed = new Feed(
      {
        operation,
        plan,
        url,
        limits: limits.ring,
        log,
        authorizationFor: (session) => signFor(plan.serviceName, session),
        traceparent: currentTraceparent(),
        requestId: context.requestId,
        onTrouble: (reason) => health.set(feed, reason),
        onDropped: () => metrics.droppedItems.inc(),
        onClose: () => metrics.upstreams.dec(),
      },
      taker,
    );
    return feed;
  }
}

/** A client that resumes can share from its first item with a place on; one without a cursor once it has caught up. */
function mayShare(operation: LiveOperation, item: LiveItem): boolean {
  return item.cursor !== undefined && (operation.after !== undefined || item.kind === 'caught-up');
}
