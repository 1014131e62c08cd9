import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ingest, IngestOptions } from '../create-ingest.js';
import { type Broker, startBroker } from '../testing/broker.js';
import { Device } from '../testing/device.js';
import { type IngestProcess, startProcess } from '../testing/process.js';
import { type RedisServer, startRedis } from '../testing/redis.js';
import { makeFolder, metric, startIngest, type TestFolder, until } from '../testing/site.js';
import { StandInStorage, TELEMETRY } from '../testing/storage.js';
import { MAX_MESSAGE_BYTES } from './telemetry-intake.js';
import { hearingKeyOf, LISTENERS_KEY, type TellingOfHearing } from './tell-hearing.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let redis: RedisServer;
let broker: Broker;
let folder: TestFolder;
/** Stands in for the domain of devices. */
let devices: StandInStorage;
const ingests: Ingest[] = [];
const processes: IngestProcess[] = [];
const folders: TestFolder[] = [];
const senders: Device[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

beforeEach(async () => {
  await redis.client.flushall();
  broker = await startBroker();
  folder = makeTestFolder();
  devices = new StandInStorage(redis.client, TELEMETRY).start();
});
afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.leave()));
  await Promise.all(ingests.splice(0).map((ingest) => ingest.stop()));
  await Promise.all(processes.splice(0).map((each) => each.end('SIGKILL')));
  await devices.stop();
  await broker.stop();
  for (const each of folders.splice(0)) each.remove();
});

function makeTestFolder(): TestFolder {
  const made = makeFolder();
  folders.push(made);
  return made;
}

async function start(overrides: Partial<IngestOptions> = {}, home = folder): Promise<Ingest> {
  const ingest = await startIngest(home, redis.url, { mqttUrl: broker.url, ...overrides });
  ingests.push(ingest);
  await until(() => stateOf(ingest) === 'up', 'the broker is connected');
  return ingest;
}

async function run(maxFileKib?: number): Promise<IngestProcess> {
  const environment = { MQTT_URL: broker.url };
  const started = await startProcess(folder, redis.url, {
    environment,
    ...(maxFileKib === undefined ? {} : { maxFileKib }),
  });
  processes.push(started);
  return started;
}

function makeDevice(): Device {
  const device = new Device(broker.url);
  senders.push(device);
  return device;
}

const stateOf = (ingest: Ingest): string | undefined => ingest.health.report().components.mqtt?.state;
const stored = (): string[] => [...devices.entries.values()].map(({ body }) => Buffer.from(body, 'base64').toString());
const areStored = (count: number): Promise<true> =>
  until(() => new Set(stored()).size >= count, `${count} messages are stored`);
const isBalanced = (ingest: Ingest) => async (): Promise<boolean> =>
  (await metric(ingest, 'ingest_unacknowledged_batches')) === 0;

describe("devices' telemetry", () => {
  it('reaches its stream byte for byte under the device of its topic, and is kept until it is acknowledged', async () => {
    devices.isAcknowledging = false;
    const ingest = await start();
    const device = makeDevice();
    const message = Buffer.from([0x00, 0xff, 0x0a, 0x0d, 0x80]);
    await device.send(message);
    await device.send(Buffer.alloc(0));
    await areStored(2);
    expect([...devices.entries.values()].sort((a, b) => b.body.length - a.body.length)).toEqual([
      expect.objectContaining({ tenant: '', device: device.id, body: message.toString('base64') }),
      expect.objectContaining({ tenant: '', device: device.id, body: '' }),
    ]);
    expect(await metric(ingest, 'ingest_unacknowledged_batches')).toBe(2);
    devices.isAcknowledging = true;
    await until(isBalanced(ingest), 'everything is acknowledged');
    expect(await metric(ingest, 'ingest_mqtt_messages_total')).toBe(2);
    expect(await metric(ingest, 'ingest_events_acknowledged_total')).toBe(2);
  });

  it('is sent again, also by the next process, as long as nothing acknowledges it', async () => {
    devices.isAcknowledging = false;
    const first = await start();
    await makeDevice().send('once');
    await areStored(1);
    await first.stop();
    await redis.client.flushall();
    devices.entries.clear();
    const second = await start();
    await areStored(1);
    devices.isAcknowledging = true;
    await until(isBalanced(second), 'everything is acknowledged');
    expect(await metric(second, 'ingest_events_recovered_total')).toBe(1);
  });

  it('that can be none is given up, counted by reason, and does not come again', async () => {
    const ingest = await start();
    const device = makeDevice();
    await device.send('x', 'aurora/v1/tel/no-device');
    await device.send('x', 'aurora/v1/tel/');
    await device.send(Buffer.alloc(MAX_MESSAGE_BYTES + 1));
    await device.send(Buffer.alloc(MAX_MESSAGE_BYTES));
    await areStored(1);
    const refused = (reason: string): Promise<number> => metric(ingest, 'ingest_mqtt_refused_total', { reason });
    await until(async () => (await refused('topic')) === 2 && (await refused('too_large')) === 1, 'all are counted');
    await ingest.stop();
    const next = await start();
    await device.send('the last');
    await areStored(2);
    expect(await metric(next, 'ingest_mqtt_refused_total')).toBe(0);
  });

  it('of QoS 0 is taken, too', async () => {
    await start();
    const device = makeDevice();
    await device.send('asked');
    await device.sendOnce('hoped');
    await areStored(2);
  });
});

describe('a message gets its PUBACK', () => {
  it('only when it is on disk: what a process could not write before it was killed comes to the next one', async () => {
    const full = await run(1);
    const messages = Array.from({ length: 20 }, (_, n) => `${n}:${'x'.repeat(400)}`);
    await Promise.all(messages.map((message) => makeDevice().send(message)));
    await until(async () => /^ingest_mqtt_withheld_total\S* [1-9]/m.test(await metricsOf(full)), 'the disk is full');
    await full.end('SIGKILL');
    expect(new Set(stored()).size).toBeLessThan(messages.length);
    await run();
    await areStored(messages.length);
    expect(new Set(stored())).toEqual(new Set(messages));
  });

  it('and is not lost when processes are killed under load', async () => {
    const sent: string[] = [];
    let isOver = false;
    const lane = async (device: Device): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        await device.send(`${device.id}:${n}`);
        sent.push(`${device.id}:${n}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await run();
    const lanes = Array.from({ length: 10 }, () => lane(makeDevice()));
    for (let round = 0; round < 2; round++) {
      const before = sent.length;
      await until(() => sent.length > before + 50, 'messages are under way');
      await processes.at(-1)?.end('SIGKILL');
      await run();
    }
    isOver = true;
    await Promise.all(lanes);
    await areStored(sent.length);
    expect(new Set(stored())).toEqual(new Set(sent));
    expect(devices.changed.size).toBe(0);
  });

  it('not while the spool is full, and later nevertheless', async () => {
    devices.isAcknowledging = false;
    const ingest = await start({ spoolMaxBatches: 10 });
    const device = makeDevice();
    for (let n = 0; n < 30; n++) await device.send(String(n));
    await until(() => ingest.health.report().components.spool?.state === 'down', 'the spool is full');
    await until(() => stateOf(ingest) === 'degraded', 'health says that telemetry waits');
    expect(ingest.health.report().components.mqtt?.reason).toContain('spool is full');
    expect(await metric(ingest, 'ingest_mqtt_withheld_total')).toBeGreaterThan(0);
    await areStored(10);
    expect(new Set(stored()).size).toBe(10);
    devices.isAcknowledging = true;
    await areStored(30);
    await until(() => stateOf(ingest) === 'up', 'telemetry is taken again');
    expect(await metric(ingest, 'ingest_mqtt_messages_total')).toBe(30);
  });
});

describe('the broker', () => {
  it('keeps what is sent while no ingest runs', async () => {
    const first = await start();
    const device = makeDevice();
    await device.send('before');
    await first.stop();
    for (let n = 0; n < 20; n++) await device.send(`meanwhile ${n}`);
    await start();
    await areStored(21);
    expect(devices.entries.size).toBe(21);
  });

  it('may be away at start and go at any time: health says so, and it goes on without a restart', async () => {
    await broker.end();
    const ingest = await startIngest(folder, redis.url, { mqttUrl: broker.url });
    ingests.push(ingest);
    expect(stateOf(ingest)).toBe('degraded');
    expect(ingest.health.isReady).toBe(true);
    await broker.restart();
    await until(() => stateOf(ingest) === 'up', 'the broker is connected');
    const device = makeDevice();
    await device.send('1');
    await broker.end();
    await until(() => stateOf(ingest) === 'degraded', 'health shows it');
    await broker.restart();
    await device.send('2');
    await until(() => stateOf(ingest) === 'up', 'the broker is connected again');
    await areStored(2);
  });

  it('that neither answers nor closes is noticed within 15 s', async () => {
    const ingest = await start();
    broker.signal('SIGSTOP');
    const began = performance.now();
    await vi.waitFor(() => expect(stateOf(ingest)).toBe('degraded'), { timeout: 30_000, interval: 50 });
    expect(performance.now() - began).toBeLessThan(15_000);
    broker.signal('SIGCONT');
    await until(() => stateOf(ingest) === 'up', 'the broker is connected again');
  });

  it('gives each message to one of two processes', async () => {
    const both = [await start(), await start({}, makeTestFolder())];
    const senders = Array.from({ length: 10 }, () => makeDevice());
    await Promise.all(
      senders.map(async (device) => {
        for (let n = 0; n < 10; n++) await device.send(`${device.id}:${n}`);
      }),
    );
    await areStored(100);
    const counts = await Promise.all(both.map((ingest) => metric(ingest, 'ingest_mqtt_messages_total')));
    expect(counts.reduce((sum, count) => sum + count)).toBe(100);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(devices.entries.size).toBe(100);
  });
});

describe('what is told of hearing', () => {
  const tellingOf = async (instance: string): Promise<TellingOfHearing | undefined> => {
    const text = await redis.client.get(hearingKeyOf(instance));
    return text === null ? undefined : (JSON.parse(text) as TellingOfHearing);
  };

  const instanceOf = async (): Promise<string> => {
    const [instance = ''] = await until(async () => {
      const all = await redis.client.zrange(LISTENERS_KEY, 0, -1);
      return all.length > 0 && all;
    }, 'the instance is listed');
    return instance;
  };

  it('reaches until now while the broker is well, and no further than its last sign of life until its silence is noticed', async () => {
    await start();
    const instance = await instanceOf();
    const { since } = await until(() => tellingOf(instance), 'it is told');
    const { sentUntil } = await until(async () => {
      const telling = await tellingOf(instance);
      return telling !== undefined && telling.sentUntil > since + 4_000 && telling;
    }, 'it has gone on with nothing but signs of life');
    expect(Date.now() - sentUntil).toBeLessThan(3_000);
    expect([since, sentUntil].every(Number.isInteger), 'as the domain of devices reads them').toBe(true);
    broker.signal('SIGSTOP');
    const silentSince = Date.now();
    let told = 0;
    await until(async () => {
      const telling = await tellingOf(instance);
      told = Math.max(told, telling?.sentUntil ?? 0);
      return telling === undefined;
    }, 'nothing is heard');
    broker.signal('SIGCONT');
    expect(Date.now() - silentSince).toBeGreaterThan(5_000);
    expect(told - silentSince).toBeLessThan(1_000);
  });

  it('ends with the connections, and reaches no further than what is on the stream', async () => {
    const ingest = await start({ spoolMaxBatches: 5_000 });
    const instance = await instanceOf();
    const { since } = await until(() => tellingOf(instance), 'it is told');
    // A stream that is none takes nothing, so the message stays in the spool.
    await devices.stop();
    await redis.client.del(TELEMETRY.stream);
    await redis.client.set(TELEMETRY.stream, 'no stream');
    const before = Date.now();
    await makeDevice().send('waits');
    await until(async () => (await metric(ingest, 'ingest_publish_failures_total')) > 0, 'it cannot be sent');
    const sentUntil = await until(async () => {
      const telling = await tellingOf(instance);
      // Longer than between two signs of life of the broker.
      return telling !== undefined && Date.now() - telling.sentUntil > 4_000 && telling.sentUntil;
    }, 'it holds back what is told');
    expect(sentUntil).toBeGreaterThanOrEqual(before);
    expect((await tellingOf(instance))?.since).toBe(since);
    await broker.end();
    await until(async () => (await tellingOf(instance)) === undefined, 'nothing is heard');
    expect(Number(await redis.client.zscore(LISTENERS_KEY, instance))).toBeGreaterThan(Date.now() + 6 * 86_400_000);
  });
});

async function metricsOf({ port }: IngestProcess): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}
