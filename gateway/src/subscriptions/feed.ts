/**
 * The items of one upstream, completed one after the other, at the pace of whoever takes them: when the taker waits, the
 * upstream's socket is paused, and the rest stays at the subgraph.
 */
import type { Logger } from '@aurorasoc/kit/log';
import { inSpan } from '@aurorasoc/kit/telemetry';
import { GraphQLError } from 'graphql';
import type { Session } from '../auth/authenticator.js';
import { toPublicError } from '../errors.js';
import { createContext } from '../request-context.js';
import type { LiveItem, UpstreamError, UpstreamEvent } from './live-item.js';
import type { LiveOperation } from './live-operation.js';
import type { SubscriptionPlan } from './plan.js';
import { Ring, type RingLimits } from './ring.js';
import { Upstream } from './upstream.js';

/** Whoever takes a feed's items. */
export interface FeedTaker {
  /** The session in whose name the subgraphs are asked; the longest-lived one, so that a renewed token carries on. */
  session(): Session;
  /** The feed waits for the promise before it takes the next item. */
  take(item: LiveItem): Promise<void>;
  /** The upstream has ended: completed, or refused for good. Called once, after the last item. */
  ended(refusal: GraphQLError | undefined): void;
}

export interface FeedOptions {
  readonly operation: LiveOperation;
  readonly plan: SubscriptionPlan;
  readonly url: string;
  readonly limits: RingLimits;
  readonly log: Logger;
  readonly authorizationFor: (session: Session) => Promise<string>;
  /** W3C trace context and id of the client's operation; items link to it. */
  readonly traceparent: string | undefined;
  readonly requestId: string;
  readonly onTrouble: (reason: string | undefined) => void;
  /** An item of a field without cursors came faster than it could be completed, and is lost. */
  readonly onDropped: () => void;
  readonly onClose: () => void;
}

export class Feed {
  /** May be replaced between two items: an upstream that one client opened becomes the one of many. */
  taker: FeedTaker;
  readonly #upstream: Upstream;
  readonly #waiting: Ring<UpstreamEvent>;
  #end: { refusal: GraphQLError | undefined } | undefined;
  #isPumping = false;
  #isClosed = false;

  constructor(
    private readonly options: FeedOptions,
    taker: FeedTaker,
  ) {
    this.taker = taker;
    this.#waiting = new Ring(options.limits);
    this.#upstream = new Upstream({
      operation: options.operation,
      plan: options.plan,
      url: options.url,
      log: options.log,
      connectionParams: async () => ({
        authorization: await options.authorizationFor(this.taker.session()),
        'x-request-id': options.requestId,
        ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
      }),
      accept: (event) => this.#accept(event),
      onEnd: (errors) => {
        this.#end = { refusal: errors && toRefusal(errors, options.plan.serviceName, options.log) };
        void this.#pump();
      },
      onTrouble: options.onTrouble,
      onDropped: options.onDropped,
    });
  }

  open(): void {
    this.#upstream.open();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#upstream.close();
    this.#waiting.clear();
    this.options.onClose();
  }

  #accept(event: UpstreamEvent): boolean {
    // One that is larger than the bounds would never fit: asked for again it would be refused again, for ever. Whoever takes
    // it bounds its own queue.
    const isAccepted = this.#waiting.push(event) || this.#waiting.pushAlone(event);
    if (!this.#waiting.hasRoom) this.#upstream.pause();
    void this.#pump();
    return isAccepted;
  }

  /** One at a time, in order. */
  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let event = this.#waiting.shift(); event !== undefined && !this.#isClosed; event = this.#waiting.shift()) {
      const item = await this.#complete(event);
      if (this.#isClosed) break;
      await this.taker.take(item);
      if (this.#waiting.size === 0) this.#upstream.resume();
    }
    this.#isPumping = false;
    if (this.#end && !this.#isClosed) {
      this.close();
      this.taker.ended(this.#end.refusal);
    }
  }

  async #complete(event: UpstreamEvent): Promise<LiveItem> {
    const { plan, operation, traceparent } = this.options;
    const complete = () => plan.complete(event.payload, operation.variables, createContext(this.taker.session()));
    // A trace per item, linked to the subscription: one that lives for days must not become one trace.
    const result = plan.hasRest
      ? await inSpan(
          'subscription item',
          { root: true, links: [traceparent], attributes: { 'graphql.field': operation.fieldName } },
          complete,
        )
      : await complete();
    return {
      kind: event.kind,
      cursor: event.cursor,
      result,
      bytes: plan.hasRest ? Buffer.byteLength(JSON.stringify(result)) : event.bytes,
    };
  }
}

/** What clients are told when a subgraph refuses an operation. */
function toRefusal([first]: readonly UpstreamError[], serviceName: string, log: Logger): GraphQLError {
  return toPublicError(
    new GraphQLError(first?.message ?? 'refused', { extensions: { ...first?.extensions, serviceName } }),
    log,
  );
}
