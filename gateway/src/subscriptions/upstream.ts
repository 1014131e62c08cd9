/**
 * A subscription at a subgraph that survives the subgraph: when the connection is lost it subscribes again, from the last
 * cursor that was accepted, for as long as somebody wants it.
 */
import { backoffMs } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import { readEvent, type UpstreamError, type UpstreamEvent } from './live-item.js';
import type { LiveOperation } from './live-operation.js';
import type { SubscriptionPlan } from './plan.js';
import { AFTER_VARIABLE } from './reserved-selections.js';
import { type ConnectionEnd, UpstreamConnection } from './upstream-connection.js';

export interface UpstreamOptions {
  readonly operation: LiveOperation;
  readonly plan: SubscriptionPlan;
  readonly url: string;
  readonly log: Logger;
  /** Asked at every connect: tokens live for 30 s. */
  readonly connectionParams: () => Promise<Readonly<Record<string, unknown>>>;
  /** Takes an event; false when there is no room for it, and then it comes again after {@link Upstream.resume}. */
  readonly accept: (event: UpstreamEvent) => boolean;
  /** An item of a field without cursors found no room, or was too large to be received, and is lost. */
  readonly onDropped: () => void;
  /** The stream has ended for good: completed (no errors) or refused. */
  readonly onEnd: (errors: readonly UpstreamError[] | undefined) => void;
  /** The subgraph is away (a reason), or back (undefined). */
  readonly onTrouble: (reason: string | undefined) => void;
}

/** A subgraph says so itself that trying again makes sense. */
const PASSING_CODES = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'DEADLINE_EXCEEDED', 'UNAUTHENTICATED']);

/** Ends a subscription that cannot get past an item: what is asked for again from the same place comes again. */
const ITEM_TOO_LARGE: UpstreamError = {
  message:
    'An item of this subscription is larger than 16 MiB; select less of it, or query again and subscribe without the cursor',
  extensions: { code: 'PAYLOAD_TOO_LARGE' },
};

/** A connection that lasted so long has worked: the next loss is retried at once. */
const STEADY_MS = 5_000;

export class Upstream {
  #connection: UpstreamConnection | undefined;
  #retry: NodeJS.Timeout | undefined;
  #place: string | undefined;
  #attempt = 0;
  /** When the subgraph accepted the connection; undefined until it has. */
  #readyAt: number | undefined;
  #isLive = false;
  #isClosed = false;
  /** The connection was closed because there was no room; {@link resume} opens another one. */
  #hasLetGo = false;
  /** The next "caught up" answers the gateway's own resuming; clients have had theirs. */
  #swallowsCaughtUp = false;

  constructor(private readonly options: UpstreamOptions) {
    this.#place = options.operation.after;
  }

  open(): void {
    void this.#connect();
  }

  pause(): void {
    this.#connection?.pause();
  }

  /** Goes on after {@link pause}, or after an event that was not accepted. */
  resume(): void {
    this.#connection?.resume();
    if (!this.#hasLetGo || this.#isClosed) return;
    this.#hasLetGo = false;
    this.open();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#connection?.close();
    this.#connection = undefined;
    this.options.onTrouble(undefined);
  }

  async #connect(): Promise<void> {
    const { plan, url, operation, connectionParams } = this.options;
    try {
      const params = await connectionParams();
      if (this.#isClosed || this.#connection) return;
      const variables = operation.isResumable
        ? { ...operation.variables, [AFTER_VARIABLE]: this.#place ?? null }
        : operation.variables;
      this.#swallowsCaughtUp = this.#isLive;
      this.#connection = new UpstreamConnection({
        url,
        connectionParams: params,
        request: {
          query: plan.query,
          operationName: plan.operationName,
          variables: pick(variables, plan.variableUsages),
        },
        onReady: () => this.#ready(),
        onNext: (payload, bytes) => this.#receive(payload, bytes),
        onEnd: (end) => this.#ended(end),
      });
    } catch (error) {
      this.#ended({ kind: 'lost', reason: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Where there are cursors a greeting follows; elsewhere nothing may come for hours although all is well. */
  #ready(): void {
    this.#readyAt = Date.now();
    if (!this.options.operation.isResumable) this.options.onTrouble(undefined);
  }

  #receive(payload: UpstreamEvent['payload'], bytes: number): void {
    const { operation, accept, onTrouble } = this.options;
    const event = readEvent(payload, operation.responseKey, bytes);
    onTrouble(undefined);
    if (event.kind === 'caught-up' && this.#swallowsCaughtUp) {
      this.#swallowsCaughtUp = false;
      this.#place = event.cursor ?? this.#place;
      return;
    }
    if (!accept(event)) {
      this.#letGo();
      return;
    }
    this.#place = event.cursor ?? this.#place;
    if (event.kind === 'caught-up' || !operation.isResumable) this.#isLive = true;
  }

  /**
   * There is no room although reading was paused. What can be asked for again stays at the subgraph until {@link resume};
   * what cannot is lost.
   */
  #letGo(): void {
    if (!this.options.operation.isResumable) {
      this.options.onDropped();
      return;
    }
    this.#connection?.close();
    this.#connection = undefined;
    this.#hasLetGo = true;
  }

  #ended(how: ConnectionEnd): void {
    const { operation, log, onEnd, onTrouble, plan } = this.options;
    this.#connection = undefined;
    if (this.#isClosed) return;
    const end = how.kind === 'too-large' ? this.#judgeTooLarge() : how;
    // A resumable field has no end: a completion is a subgraph that stops.
    const isOver =
      end.kind === 'refused' ? !this.#isPassing(end.errors) : end.kind === 'completed' && !operation.isResumable;
    if (isOver) {
      this.#isClosed = true;
      onTrouble(undefined);
      onEnd(end.kind === 'refused' ? end.errors : undefined);
      return;
    }
    const reason =
      end.kind === 'lost'
        ? end.reason
        : end.kind === 'completed'
          ? 'the subgraph ended the stream'
          : (end.errors[0]?.message ?? 'refused');
    // Not at the first item: a subgraph that ends each stream after its greeting would be asked without a pause.
    if (this.#readyAt !== undefined && Date.now() - this.#readyAt > STEADY_MS) this.#attempt = 0;
    this.#readyAt = undefined;
    const waitMs = backoffMs(this.#attempt++);
    onTrouble(`${plan.serviceName}: ${reason}`);
    log.debug({ subgraph: plan.serviceName, reason, waitMs }, 'Subscription to a subgraph was lost; resuming');
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#connect();
    }, waitMs);
  }

  /** Where there are cursors it is the end; elsewhere one item is lost, and the next connection goes on behind it. */
  #judgeTooLarge(): Exclude<ConnectionEnd, { kind: 'too-large' }> {
    if (this.options.operation.isResumable) return { kind: 'refused', errors: [ITEM_TOO_LARGE] };
    this.options.onDropped();
    return { kind: 'lost', reason: 'an item is larger than 16 MiB' };
  }

  #isPassing(errors: readonly UpstreamError[]): boolean {
    const code = errors[0]?.extensions?.code;
    // Once it has worked, an internal error is a database that restarts rather than a fault of the operation.
    return typeof code === 'string' && (PASSING_CODES.has(code) || (this.#isLive && code === 'INTERNAL_SERVER_ERROR'));
  }
}

function pick(variables: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => name in variables).map((name) => [name, variables[name]]));
}
