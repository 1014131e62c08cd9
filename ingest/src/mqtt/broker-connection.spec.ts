import { newId } from '@aurorasoc/kit/ids';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Broker, startBroker } from '../testing/broker.js';
import { until } from '../testing/site.js';
import { BrokerConnection, type BrokerConnectionOptions, MAX_PACKET_BYTES } from './broker-connection.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const TOPIC = 'aurora/v1/tel/device';
const SUCCESS = 0;

let broker: Broker;
let device: MqttClient;
const connections: BrokerConnection[] = [];

beforeEach(async () => {
  broker = await startBroker();
  device = await connectAsync(broker.url, { protocolVersion: 5 });
});
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.stop()));
  await device.endAsync(true);
  await broker.stop();
});

async function subscribe(handlers: Pick<BrokerConnectionOptions, 'onMessage' | 'onLost'>): Promise<BrokerConnection> {
  let isSubscribed = false;
  const connection = new BrokerConnection({
    url: broker.url,
    clientId: newId(),
    subscription: TOPIC,
    sessionExpirySeconds: 60,
    onSubscribed: () => {
      isSubscribed = true;
    },
    ...handlers,
  });
  connections.push(connection);
  await until(() => isSubscribed, 'the broker has confirmed the subscription');
  return connection;
}

describe('a connection to the broker', () => {
  it('takes no packet that is larger than it announced, and goes on', async () => {
    const sizes: number[] = [];
    await subscribe({
      onMessage: async (_topic, message) => {
        sizes.push(message.byteLength);
        return SUCCESS;
      },
      onLost: () => undefined,
    });
    for (const size of [MAX_PACKET_BYTES - 100, MAX_PACKET_BYTES, 1])
      await device.publishAsync(TOPIC, Buffer.alloc(size), { qos: 1 });
    await until(() => sizes.includes(1), 'the last message is here');
    expect(sizes).toEqual([MAX_PACKET_BYTES - 100, 1]);
  });

  it('that is stopped counts what it had got at QoS 0 and does not take, and what it took to the end it has not lost', async () => {
    const taken: string[] = [];
    const first = Promise.withResolvers<void>();
    let lost = 0;
    const connection = await subscribe({
      onMessage: async (_topic, message) => {
        taken.push(message.toString());
        await first.promise;
        return SUCCESS;
      },
      onLost: () => {
        lost++;
      },
    });
    const unread = 20;
    // The broker sends a message to its subscribers in the order in which they came.
    let delivered = 0;
    device.on('message', () => delivered++);
    await device.subscribeAsync(TOPIC);
    for (let n = 0; n <= unread; n++) await device.publishAsync(TOPIC, String(n), { qos: 0 });
    await until(
      () => delivered > unread && taken.length === 1,
      'the broker has sent all, and the first is being taken',
    );
    const stopped = connection.stop();
    first.resolve();
    await stopped;
    expect(taken).toEqual(['0']);
    expect(lost).toBe(unread);
  });
});
