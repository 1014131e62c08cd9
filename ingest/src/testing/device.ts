/** A device that sends telemetry and keeps each message until somebody has it. */
import { newId } from '@aurorasoc/kit/ids';
import { connect, type MqttClient } from 'mqtt';

/** MQTT v5, 3.4.2.1: the broker took the message, and nobody was there to have it. */
const NO_MATCHING_SUBSCRIBERS = 0x10;
const AGAIN_MS = 50;

export class Device {
  readonly id = newId();
  readonly #client: MqttClient;
  #answer: number | undefined;

  constructor(url: string) {
    this.#client = connect(url, { protocolVersion: 5, clientId: this.id, clean: false, reconnectPeriod: AGAIN_MS });
    this.#client.on('error', () => undefined);
    this.#client.on('packetreceive', (packet) => {
      if (packet.cmd === 'puback') this.#answer = packet.reasonCode ?? 0;
    });
  }

  /** Sends one message at QoS 1; one at a time. Resolves when the broker has handed it to a subscriber. */
  async send(message: string | Buffer, topic = `aurora/v1/tel/${this.id}`): Promise<void> {
    for (;;) {
      await this.#client.publishAsync(topic, message, { qos: 1 });
      if (this.#answer !== NO_MATCHING_SUBSCRIBERS) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** At QoS 0: nobody tells what became of it. */
  async sendOnce(message: string): Promise<void> {
    await this.#client.publishAsync(`aurora/v1/tel/${this.id}`, message, { qos: 0 });
  }

  async leave(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
