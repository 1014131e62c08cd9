/**
 * One subscription at one subgraph over one socket, graphql-transport-ws as a client
 * (https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md).
 *
 * Not graphql-ws' own client: that one queues without a bound and, after a normal closure, subscribes again with the
 * variables of the first time, which would deliver old items once more. And a socket shared by subscriptions could not be
 * paused for one of them.
 */
import { GRAPHQL_TRANSPORT_WS_PROTOCOL, MessageType, parseMessage, stringifyMessage } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { UpstreamError, UpstreamEvent } from './live-item.js';

export interface SubscribeRequest {
  readonly query: string;
  readonly operationName?: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

export type ConnectionEnd =
  | { readonly kind: 'completed' }
  /** The subgraph refused the operation or gave it up. */
  | { readonly kind: 'refused'; readonly errors: readonly UpstreamError[] }
  /** The subgraph sent an item of more than 16 MiB; the place that it would have is not known. */
  | { readonly kind: 'too-large' }
  /** The socket is gone; `reason` is for logs and health. */
  | { readonly kind: 'lost'; readonly reason: string };

export interface UpstreamConnectionOptions {
  /** `ws://…/graphql` */
  readonly url: string;
  readonly connectionParams: Readonly<Record<string, unknown>>;
  readonly request: SubscribeRequest;
  /** The subgraph has accepted the connection; the subscription is sent now. */
  readonly onReady: () => void;
  readonly onNext: (payload: UpstreamEvent['payload'], bytes: number) => void;
  /** Called once; nothing follows it. Not called after {@link UpstreamConnection.close}. */
  readonly onEnd: (end: ConnectionEnd) => void;
  /** How often the socket must prove that its other end lives. @default 10 000 */
  readonly pingMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** What ws calls a message of more than that. */
const TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
const CLOSE_WAIT_MS = 1_000;
const SUBSCRIPTION_ID = '1';

export class UpstreamConnection {
  readonly #socket: WebSocket;
  readonly #timers: NodeJS.Timeout[] = [];
  #isEnded = false;
  #unansweredPings = 0;
  /** A first message without data: a failed item if others follow, a refusal if the stream ends with it. */
  #held: { payload: UpstreamEvent['payload']; bytes: number } | undefined;
  #isFirst = true;

  constructor(private readonly options: UpstreamConnectionOptions) {
    this.#socket = new WebSocket(options.url, GRAPHQL_TRANSPORT_WS_PROTOCOL, {
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    this.#listen();
  }

  /** Stops reading: the subgraph's own queue, and then its reader, wait. */
  pause(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.resume();
  }

  close(): void {
    this.#stopTimers();
    this.#isEnded = true;
    this.#socket.resume();
    // A subgraph that hangs would keep the socket half open for the 30 s that ws waits.
    setTimeout(() => this.#socket.terminate(), CLOSE_WAIT_MS).unref();
    this.#socket.close(1000, 'Done');
  }

  #listen(): void {
    const socket = this.#socket;
    const ackTimer = setTimeout(
      () => this.#end({ kind: 'lost', reason: 'no answer to the connection' }),
      CONNECT_TIMEOUT_MS,
    );
    this.#timers.push(ackTimer);
    socket.on('open', () =>
      socket.send(
        stringifyMessage({ type: MessageType.ConnectionInit, payload: { ...this.options.connectionParams } }),
      ),
    );
    socket.on('message', (data: Buffer) => {
      if (this.#isEnded) return;
      try {
        this.#receive(data, ackTimer);
      } catch (error) {
        this.#end({
          kind: 'lost',
          reason: `unexpected message: ${error instanceof Error ? error.message : String(error)}`,
        });
      }
    });
    socket.on('pong', () => {
      this.#unansweredPings = 0;
    });
    socket.on('close', (code, reason) =>
      this.#end({ kind: 'lost', reason: `closed with ${code} ${String(reason)}`.trim() }),
    );
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#end(
        error.code === TOO_LARGE ? { kind: 'too-large' } : { kind: 'lost', reason: error.code ?? error.message },
      ),
    );
  }

  #receive(data: Buffer, ackTimer: NodeJS.Timeout): void {
    const message = parseMessage(data.toString('utf8'));
    switch (message.type) {
      case MessageType.ConnectionAck:
        clearTimeout(ackTimer);
        this.#watch();
        this.options.onReady();
        this.#socket.send(
          stringifyMessage({ id: SUBSCRIPTION_ID, type: MessageType.Subscribe, payload: { ...this.options.request } }),
        );
        return;
      case MessageType.Next:
        this.#take(message.payload as UpstreamEvent['payload'], data.byteLength);
        return;
      case MessageType.Error:
        this.#end({ kind: 'refused', errors: message.payload });
        return;
      case MessageType.Complete:
        this.#end(this.#held ? { kind: 'refused', errors: this.#held.payload.errors ?? [] } : { kind: 'completed' });
        return;
      case MessageType.Ping:
        this.#socket.send(stringifyMessage({ type: MessageType.Pong }));
    }
  }

  /** graphql-js answers a subscription that it cannot begin with one result without data, and graphql-ws sends it as an item. */
  #take(payload: UpstreamEvent['payload'], bytes: number): void {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.options.onNext(held.payload, held.bytes);
    const mayBeRefusal =
      this.#isFirst && payload.errors !== undefined && (payload.data === undefined || payload.data === null);
    this.#isFirst = false;
    if (mayBeRefusal) this.#held = { payload, bytes };
    else if (!this.#isEnded) this.options.onNext(payload, bytes);
  }

  /** Finds out about a machine that vanished without closing. A paused socket reads no answers and is not asked. */
  #watch(): void {
    this.#timers.push(
      setInterval(() => {
        if (this.#socket.isPaused || this.#socket.readyState !== WebSocket.OPEN) return;
        if (this.#unansweredPings >= 2) return this.#end({ kind: 'lost', reason: 'no answer to pings' });
        this.#unansweredPings++;
        this.#socket.ping();
      }, this.options.pingMs ?? 10_000),
    );
  }

  #end(end: ConnectionEnd): void {
    this.#stopTimers();
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#socket.terminate();
    this.options.onEnd(end);
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.length = 0;
  }
}
