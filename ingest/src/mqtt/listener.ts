/**
 * Takes devices' telemetry in from an MQTT v5 broker, as one of the processes that share its subscription.
 *
 * A message is answered when it is on disk; until then the broker keeps it, also while ingest is down, in sessions whose
 * names come from the spool's instance: the next process on the same spool goes on with them. A broker gives sessions that
 * nobody connects to any more their share, too, and drops it when they expire: whoever takes a spool out of use for good
 * loses what came for its sessions since then, or moves its folder to another process.
 */
import type { Health } from '@aurorasoc/kit/health';
import { backoffMs, sleep } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import type { IngestMetrics } from '../metrics.js';
import type { Spool } from '../spool/spool.js';
import { BrokerConnection } from './broker-connection.js';
import { TELEMETRY_FILTER, type TelemetryIntake } from './telemetry-intake.js';

export interface MqttListenerOptions {
  /** With a login that may read telemetry. */
  readonly url: string;
  /** Names the sessions: one process at a time, the same over its restarts. */
  readonly instanceId: string;
  readonly intake: TelemetryIntake;
  readonly spool: Spool;
  readonly metrics: IngestMetrics;
  readonly health: Health;
  readonly log: Logger;
}

/** A connection takes one message at a time, and messages that are taken at the same time share a sync to disk. */
const CONNECTIONS = 8;
/** Every message goes to one connection of one process of this group. */
const SUBSCRIPTION = `$share/aurora-ingest/${TELEMETRY_FILTER}`;
/** What the broker keeps for an ingest that is down, and how long it gives a share to one that is gone for good. */
export const SESSION_EXPIRY_SECONDS = 7 * 24 * 3_600;
const FIRST_RECONNECT_MS = 100;
const LONGEST_RECONNECT_MS = 5_000;
/** A connection that lasted this long was a good one: its end says nothing about the next. */
const STEADY_MS = 10_000;
const ROOM_CHECK_MS = 200;
const COMPONENT = 'mqtt';

export class MqttListener {
  readonly #abort = new AbortController();
  readonly #connections = new Set<BrokerConnection>();
  readonly #subscribed = new Set<BrokerConnection>();
  #running: Promise<unknown> = Promise.resolve();
  #isUp: boolean | undefined;

  constructor(private readonly options: MqttListenerOptions) {}

  start(): void {
    this.#setDegraded('connecting');
    this.#running = Promise.all(Array.from({ length: CONNECTIONS }, (_, number) => this.#stayConnected(number)));
  }

  /** Whether every connection has its share of what devices send. */
  get isHearing(): boolean {
    return this.#subscribed.size === CONNECTIONS;
  }

  /** How long the broker has been silent on one connection or the other, the longest of them, milliseconds. */
  get silentMs(): number {
    return Math.max(0, ...[...this.#subscribed].map((connection) => connection.silentMs));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all([...this.#connections].map((connection) => connection.stop()));
    await this.#running;
  }

  async #stayConnected(number: number): Promise<void> {
    const signal = this.#abort.signal;
    for (let failures = 0; !signal.aborted; ) {
      const began = performance.now();
      const reason = await this.#connectOnce(number);
      if (signal.aborted) return;
      this.#noteEnd(reason);
      failures = performance.now() - began < STEADY_MS ? failures + 1 : 0;
      await sleep(backoffMs(failures, FIRST_RECONNECT_MS, LONGEST_RECONNECT_MS), signal);
      await this.#whenRoom();
    }
  }

  /** @returns why the connection ended. */
  async #connectOnce(number: number): Promise<string> {
    const { url, instanceId, metrics } = this.options;
    const connection = new BrokerConnection({
      url,
      clientId: `aurora-ingest-${instanceId}-${number}`,
      subscription: SUBSCRIPTION,
      sessionExpirySeconds: SESSION_EXPIRY_SECONDS,
      onMessage: (topic, message, isLostUnlessTaken) => this.#take(topic, message, isLostUnlessTaken),
      onLost: () => metrics.mqttLost.inc(),
      onSubscribed: () => {
        this.#subscribed.add(connection);
        metrics.mqttConnections.inc();
        this.#noteSubscribed();
      },
    });
    this.#connections.add(connection);
    const reason = await connection.ended;
    this.#connections.delete(connection);
    if (this.#subscribed.delete(connection)) metrics.mqttConnections.dec();
    return reason;
  }

  async #take(topic: string, message: Buffer, isLostUnlessTaken: boolean): Promise<number> {
    const { intake, metrics } = this.options;
    try {
      return await intake.take(topic, message);
    } catch (error) {
      if (isLostUnlessTaken) metrics.mqttLost.inc();
      else metrics.mqttWithheld.inc();
      throw error;
    }
  }

  /** While the spool is full nothing is fetched: the broker keeps it, and other processes get their share. */
  async #whenRoom(): Promise<void> {
    while (this.options.spool.isFull && !this.#abort.signal.aborted) await sleep(ROOM_CHECK_MS, this.#abort.signal);
  }

  /** One line when something is wrong and one when all is well again, not one per connection and try. */
  #noteEnd(problem: string): void {
    this.#setDegraded(problem);
    if (this.#isUp === false) return;
    this.#isUp = false;
    this.options.log.warn({ error: problem }, "Devices' telemetry waits at the broker");
  }

  #noteSubscribed(): void {
    if (!this.isHearing) {
      this.#setDegraded('connecting');
      return;
    }
    this.options.health.set(COMPONENT, 'up');
    this.#isUp = true;
    this.options.log.info({ subscription: SUBSCRIPTION }, "Taking devices' telemetry in");
  }

  #setDegraded(problem: string): void {
    const reason = `${this.#subscribed.size} of ${CONNECTIONS} connections to the broker are up: ${problem}`;
    this.options.health.set(COMPONENT, 'degraded', reason);
  }
}
