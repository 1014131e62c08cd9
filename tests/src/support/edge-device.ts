/** Devices at the edge as tests play them: enrolled through the graph, heard of through the broker. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { GraphClient } from '@aurorasoc/cli/client';
import { encode } from 'cborg';
import { connect, type MqttClient } from 'mqtt';

/** MQTT v5, 3.4.2.1: the broker took the message, and nobody was there to have it. */
const NO_MATCHING_SUBSCRIBERS = 0x10;
const AGAIN_MS = 100;
/** Longer than any fault keeps broker or ingest away. */
const TAKEN_WITHIN_MS = 300_000;

export function newPublicKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
}

/** A message of telemetry, measured a second after the one with the number before. */
export function telemetryPayload(seq: number, metrics: Record<string, unknown>): Buffer {
  return Buffer.from(encode({ seq, ts: 1_790_000_000_000 + seq * 1_000, metrics }));
}

/** @returns the device's id. */
export async function enrolEdgeDevice(client: GraphClient, name: string): Promise<string> {
  const { createEnrolmentToken } = await client.query<{ createEnrolmentToken: { token: string } }>(
    'mutation { createEnrolmentToken(input: {}) { token } }',
  );
  const { token } = createEnrolmentToken;
  const input = { token, name, model: 'esp32s3', firmwareVersion: '1.4.2', publicKey: newPublicKey() };
  const { enrolDevice } = await client.query<{ enrolDevice: { id: string } }>(
    'mutation ($input: EnrolDeviceInput!) { enrolDevice(input: $input) { ... on Device { id } } }',
    { input },
  );
  return enrolDevice.id;
}

/**
 * A connection of devices to the broker, under the installation's own login since devices have none yet. Keeps a message until
 * the broker has handed it to somebody, across lost connections and restarted brokers, as devices' README asks of them.
 */
export class EdgeConnection {
  readonly #client: MqttClient;
  #sending: Promise<void> = Promise.resolve();
  #answer = 0;

  constructor(brokerUrl: string) {
    this.#client = connect(brokerUrl, { protocolVersion: 5, reconnectPeriod: AGAIN_MS });
    this.#client.on('error', () => undefined);
    this.#client.on('packetreceive', (packet) => {
      if (packet.cmd === 'puback') this.#answer = packet.reasonCode ?? 0;
    });
  }

  /**
   * One after the other, so that each answer is that of the message which was sent last.
   * @throws the signal's reason, or when nobody takes the message within {@link TAKEN_WITHIN_MS}.
   */
  send(device: string, payload: Buffer, signal?: AbortSignal): Promise<void> {
    const timeout = AbortSignal.timeout(TAKEN_WITHIN_MS);
    const limit = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    this.#sending = this.#sending.then(() => this.#sendNow(`aurora/v1/tel/${device}`, payload, limit));
    return this.#sending;
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  async #sendNow(topic: string, payload: Buffer, limit: AbortSignal): Promise<void> {
    for (;;) {
      limit.throwIfAborted();
      const answered = new AbortController();
      await Promise.race([
        this.#client.publishAsync(topic, payload, { qos: 1 }),
        once(limit, 'abort', { signal: answered.signal }).then(() => limit.throwIfAborted()),
      ]).finally(() => answered.abort());
      if (this.#answer !== NO_MATCHING_SUBSCRIBERS) return;
      await wait(AGAIN_MS);
    }
  }
}
