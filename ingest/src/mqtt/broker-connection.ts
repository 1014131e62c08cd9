/**
 * One connection to the broker, for as long as it lasts: takes messages one after the other and answers each with a PUBACK
 * when it is on disk.
 *
 * The client of the library lives as long as its connection and is never reused: an answer that comes too late finds its
 * connection closed, and cannot acknowledge another message that has the same packet identifier by then.
 */
import { describeError } from '@aurorasoc/kit/errors';
import { sleep } from '@aurorasoc/kit/lifecycle';
import { connect, type IPublishPacket, type MqttClient } from 'mqtt';

export interface BrokerConnectionOptions {
  readonly url: string;
  /** The session's name: what the broker keeps for it comes to whoever connects under it. */
  readonly clientId: string;
  /** Topic filter, with the group where it is shared. */
  readonly subscription: string;
  /** How long the broker keeps the session without a connection, seconds. */
  readonly sessionExpirySeconds: number;
  /** @returns the reason code of the PUBACK. A throw ends the connection without one, so that the broker sends the message again. */
  readonly onMessage: (topic: string, message: Buffer, isLostUnlessTaken: boolean) => Promise<number>;
  /** A message of QoS 0 came when the connection was ending: it is not taken, and nobody sends it again. */
  readonly onLost: () => void;
  /** The broker has confirmed the subscription. */
  readonly onSubscribed: () => void;
}

/** A silent broker is noticed after one and a half of this, well within the 15 s in which health is to show it. */
const KEEP_ALIVE_SECONDS = 6;
/** Much more often than that: what a device sent is known not to be under way only as far as the broker was last heard of. */
const PING_MS = 1_000;
const CONNECT_MS = 5_000;
/** Messages that the broker sends ahead of their answers, and again after a lost connection. */
const RECEIVE_MAXIMUM = 64;
/**
 * A broker sends nothing larger and drops it, so that what any broker takes from devices does not fill the memory here. It is
 * the 1 MiB that ours takes, with its topic and properties: there everything too large is refused and counted by ingest.
 */
export const MAX_PACKET_BYTES = 1_114_112;
const END_MS = 500;

export class BrokerConnection {
  /** Resolves with the reason when the connection is over. */
  readonly ended: Promise<string>;
  readonly #client: MqttClient;
  readonly #taking = new Set<Promise<void>>();
  #end: (reason: string) => void = () => undefined;
  /** By `performance.now()`. */
  #heardAt = performance.now();
  #isStopping = false;
  #isOver = false;

  constructor(private readonly options: BrokerConnectionOptions) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#client = connect(options.url, {
      protocolVersion: 5,
      clientId: options.clientId,
      clean: false,
      properties: {
        sessionExpiryInterval: options.sessionExpirySeconds,
        receiveMaximum: RECEIVE_MAXIMUM,
        maximumPacketSize: MAX_PACKET_BYTES,
      },
      keepalive: KEEP_ALIVE_SECONDS,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      customHandleAcks: (topic, message, packet, done) =>
        // The library's type has the code as the error; it takes the code as the second argument, too.
        this.#take(topic, message as Buffer, packet, (code) => done(code)),
    });
    // QoS 0 asks for no answer and so does not pass the hook above; waiting here keeps the order and slows the broker.
    this.#client.handleMessage = (packet, done) =>
      packet.qos > 0 ? done() : this.#take(packet.topic, packet.payload as Buffer, packet, () => done());
    this.#client.on('packetreceive', () => {
      this.#heardAt = performance.now();
    });
    this.#client.on('connect', () => {
      this.#keepAsking();
      void this.#subscribe();
    });
    this.#client.on('disconnect', ({ reasonCode }) => this.#abandon(`the broker ended it, reason ${reasonCode ?? 0}`));
    this.#client.on('error', (error) => this.#abandon(describeError(error)));
    this.#client.on('close', () => this.#abandon('the connection was closed'));
  }

  /** For how long nothing has come of the broker, milliseconds. While it is well, about {@link PING_MS} at most. */
  get silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  /** Answers what is being taken, then says good-bye. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.race([Promise.all(this.#taking), sleep(END_MS)]);
    void this.#leave('stopped');
    await this.ended;
  }

  /** In good order, so that the answers that were given arrive; the broker keeps the session and what has none. */
  async #leave(reason: string): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await Promise.race([this.#client.endAsync(false).catch(() => undefined), sleep(END_MS)]);
    this.#client.stream.destroy();
    this.#end(reason);
  }

  /** The connection is of no use any more. */
  #abandon(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#client.end(true);
    this.#end(reason);
  }

  #keepAsking(): void {
    const pings = setInterval(() => {
      if (this.#client.connected) this.#client.sendPing();
    }, PING_MS);
    void this.ended.then(() => clearInterval(pings));
  }

  async #subscribe(): Promise<void> {
    const { subscription, onSubscribed } = this.options;
    try {
      await this.#client.subscribeAsync(subscription, { qos: 1 });
      if (!this.#isOver) onSubscribed();
    } catch (error) {
      this.#abandon(`the subscription to ${subscription} failed: ${describeError(error)}`);
    }
  }

  #take(topic: string, message: Buffer, { qos }: IPublishPacket, answer: (code: number) => void): void {
    if (this.#isStopping || this.#isOver) {
      // At QoS 1 what is not answered is kept by the broker for the next connection. At QoS 0 it has forgotten the message,
      // and the answer only lets the next one be read, which would be lost, too.
      if (qos > 0) return;
      this.options.onLost();
      answer(0);
      return;
    }
    const taking = this.options
      .onMessage(topic, message, qos === 0)
      .then(
        (code) => {
          if (!this.#isOver) answer(code);
        },
        (error: unknown) => void this.#leave(describeError(error)),
      )
      .finally(() => this.#taking.delete(taking));
    this.#taking.add(taking);
  }
}
