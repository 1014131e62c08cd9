/**
 * One client's socket as graphql-ws wants it: each message is awaited until the kernel has taken it, so that a subscription
 * takes its next item only then and the rest waits in its bounded queue. From a client that takes no answers nothing more is
 * read, signed in or not. graphql-ws' own adapter does the former, but writes its errors to the console and ends a socket that
 * reads slowly without a close code.
 */
import type { IncomingMessage } from 'node:http';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { Logger } from '@aurorasoc/kit/log';
import { CloseCode, MessageType, parseMessage, stringifyMessage } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface SocketTimes {
  /** Time between two pings. @default 12 000 */
  readonly pingMs: number;
  /** A client that takes nothing for so long is closed with 1013. @default 30 000 */
  readonly stallMs: number;
}
export const DEFAULT_SOCKET_TIMES: SocketTimes = { pingMs: 12_000, stallMs: 30_000 };

/** What the operations on a socket belong to. */
export interface SocketExtra extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
}

const TRY_AGAIN_LATER = 1013;

/** What may wait for a client before no more of its messages are read: each of them can ask for an answer. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** Short answers cost their bookkeeping rather than their bytes. */
const MAX_UNSENT_MESSAGES = 1_000;

/** A client that catches up is given its megabytes so much at a turn of the event loop: others have theirs in between. */
const MAX_BYTES_A_TURN = 16 * 1024;

const PONG = stringifyMessage({ type: MessageType.Pong });

const OWN_CODE = new Set([MessageType.ConnectionInit, MessageType.Subscribe, MessageType.Complete]);

/**
 * Whether anything of the gateway has a part in the answer to a message. Where nothing has, graphql-ws itself gave up on
 * what the client sent, such as a message that only servers send.
 */
function runsOwnCode(message: string): boolean {
  return OWN_CODE.has(parseMessage(message).type);
}

export class SocketWriter {
  readonly protocol: string;
  readonly #watch: NodeJS.Timeout;
  #unsent = 0;
  #sentInTurn = 0;
  #turnEnd: Promise<void> | undefined;
  #lastProgress = Date.now();
  #pingSentAt: number | undefined;
  #lastPingAt = Date.now();

  /** @param giveUp - closes the socket of a client that takes nothing, and ends what it had open. */
  constructor(
    readonly socket: WebSocket,
    private readonly times: SocketTimes,
    private readonly log: Logger,
    private readonly giveUp: (code: number, reason: string) => void,
  ) {
    this.protocol = socket.protocol;
    this.#watch = setInterval(() => this.#check(), Math.min(times.pingMs, times.stallMs) / 4);
    socket.on('pong', () => {
      this.#pingSentAt = undefined;
    });
    socket.once('close', () => clearInterval(this.#watch));
  }

  send(data: string): Promise<void> {
    const { socket } = this;
    if (socket.readyState !== WebSocket.OPEN) return Promise.resolve();
    if (this.#unsent === 0) this.#lastProgress = Date.now();
    this.#unsent++;
    return new Promise((resolve) => {
      socket.send(data, (error) => {
        this.#unsent--;
        this.#lastProgress = Date.now();
        this.#readOn();
        // A write fails when the client has gone; its close event ends the subscriptions.
        if (error) this.log.debug({ error: error.message }, 'A client left in the middle of a message');
        resolve(this.#useTurn(data.length));
      });
    });
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  onMessage(take: (data: string) => Promise<void>): void {
    this.socket.on('message', (data) => {
      if (!this.#hasRoom) this.socket.pause();
      const message = String(data);
      take(message).catch((error: unknown) => {
        if (!runsOwnCode(message)) return this.socket.close(CloseCode.BadRequest, 'Invalid message received');
        this.log.error(
          { error: error instanceof Error ? error.stack : String(error) },
          'A socket message could not be answered',
        );
        this.socket.close(CloseCode.InternalServerError, 'Internal server error');
      });
    });
  }

  /** Without the payload that a ping may carry: to send it back would let anybody choose the size of answers. */
  onPing(): Promise<void> {
    return this.send(PONG);
  }

  /** @returns what to wait for before more is sent, if this turn is used up. */
  #useTurn(bytes: number): Promise<void> | undefined {
    this.#turnEnd ??= endOfTurn().then(() => {
      this.#turnEnd = undefined;
      this.#sentInTurn = 0;
    });
    this.#sentInTurn += bytes;
    return this.#sentInTurn > MAX_BYTES_A_TURN ? this.#turnEnd : undefined;
  }

  get #hasRoom(): boolean {
    return this.#unsent <= MAX_UNSENT_MESSAGES && this.socket.bufferedAmount <= MAX_UNSENT_BYTES;
  }

  #readOn(): void {
    if (!this.socket.isPaused || !(this.#unsent === 0 || this.#hasRoom)) return;
    // An answer to a ping may be among what was not read.
    if (this.#pingSentAt !== undefined) this.#pingSentAt = Date.now();
    this.socket.resume();
  }

  #check(): void {
    const now = Date.now();
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.#unsent > 0) {
      if (now - this.#lastProgress < this.times.stallMs) return;
      this.giveUp(TRY_AGAIN_LATER, 'Reads too slowly');
      return;
    }
    if (this.#pingSentAt !== undefined) {
      // Everything was sent and the ping is not answered: the other end has vanished.
      if (now - this.#pingSentAt >= this.times.stallMs) this.socket.terminate();
    } else if (now - this.#lastPingAt >= this.times.pingMs) {
      this.#pingSentAt = now;
      this.#lastPingAt = now;
      this.socket.ping();
    }
  }
}
