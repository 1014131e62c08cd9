/** Many devices that count their messages, and one subscriber of each: what was sent is compared with what was told live. */
import { setTimeout as wait } from 'node:timers/promises';
import { EdgeConnection, enrolEdgeDevice, telemetryPayload } from './edge-device.js';
import type { RunningSite } from './site.js';
import { type Faults, underFaults } from './under-faults.js';

export interface FleetOptions {
  readonly devices: number;
  /** Of each device, numbered from 0. */
  readonly messages: number;
  /** Pause of a device between two messages, milliseconds. */
  readonly pauseMs: number;
  /** Runs beside the sending, which lasts as long at least. */
  readonly meanwhile: () => Promise<void>;
  /** How long the last messages may need to be told, milliseconds. */
  readonly settleMs: number;
}

export interface FleetOutcome {
  readonly sent: number;
  /** Sent and never told. */
  readonly lost: number;
  /** Told more than once. */
  readonly doubled: number;
  /** Devices whose subscriber was told that it may have missed something. */
  readonly resyncs: number;
  /** Messages per second, from the first that was sent to the last that was told. */
  readonly perSecond: number;
}

const TELEMETRY = `subscription ($id: ID!, $after: Cursor) { deviceTelemetry(deviceId: $id, after: $after) {
  __typename
  ... on DeviceTelemetryRecorded { cursor samples { sequence } } ... on CaughtUp { cursor } ... on ResyncRequired { since reason }
} }`;
const ENROL_AT_A_TIME = 8;
const LOOK_EVERY_MS = 100;

interface Item {
  readonly __typename: string;
  readonly samples?: readonly { readonly sequence: number }[];
}

export async function runFleet(site: RunningSite, options: FleetOptions): Promise<FleetOutcome> {
  const ids: string[] = [];
  while (ids.length < options.devices) {
    const names = Array.from(
      { length: Math.min(ENROL_AT_A_TIME, options.devices - ids.length) },
      (_, n) => `Edge ${n}`,
    );
    ids.push(...(await Promise.all(names.map((name) => enrolEdgeDevice(site.client, name)))));
  }
  const subscribers = ids.map((id) => subscribe(site, id));
  const connections = ids.map(() => new EdgeConnection(site.site.serviceUrl('mosquitto')));
  try {
    await Promise.all(subscribers.map(({ ready }) => ready));
    const began = performance.now();
    const sent = await underFaults([options.meanwhile], (faults) =>
      Promise.all(ids.map((id, index) => sendCounted(id, connections[index], options, faults))),
    );
    const deadline = Date.now() + options.settleMs;
    const isTold = (): boolean => subscribers.every(({ told }, index) => told.size >= (sent[index] ?? 0));
    while (!isTold() && Date.now() < deadline) await wait(LOOK_EVERY_MS);
    return judge(subscribers, sent, performance.now() - began);
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
    await Promise.all(subscribers.map((subscriber) => subscriber.leave()));
  }
}

/** Sends at least what was asked for, and on until everything that was to happen has. @returns how many. */
async function sendCounted(
  id: string,
  connection: EdgeConnection | undefined,
  { messages, pauseMs }: FleetOptions,
  faults: Faults,
): Promise<number> {
  let seq = 0;
  for (; seq < messages || !faults.areOver; seq++) {
    faults.failed.throwIfAborted();
    await connection?.send(id, telemetryPayload(seq, { temperature: seq % 40 }), faults.failed);
    await wait(pauseMs);
  }
  return seq;
}

function judge(subscribers: readonly Subscriber[], sent: readonly number[], ms: number): FleetOutcome {
  const total = sent.reduce((sum, count) => sum + count, 0);
  const missing = subscribers.map(({ told }, index) =>
    Array.from({ length: sent[index] ?? 0 }, (_, seq) => seq).filter((seq) => !told.has(seq)),
  );
  return {
    sent: total,
    lost: missing.flat().length,
    doubled: subscribers.flatMap(({ told }) => [...told.values()]).filter((count) => count > 1).length,
    resyncs: subscribers.filter((subscriber) => subscriber.hasMissed()).length,
    perSecond: Math.round(total / (ms / 1_000)),
  };
}

interface Subscriber {
  /** How often each sequence number was told. */
  readonly told: ReadonlyMap<number, number>;
  readonly ready: Promise<void>;
  hasMissed(): boolean;
  leave(): Promise<void>;
}

function subscribe({ client }: RunningSite, id: string): Subscriber {
  const told = new Map<number, number>();
  const leaving = new AbortController();
  const ready = Promise.withResolvers<void>();
  let hasMissed = false;
  const following = client.follow<Item>(
    TELEMETRY,
    { id },
    {
      signal: leaving.signal,
      onItem: ({ __typename, samples = [] }) => {
        if (__typename === 'CaughtUp') ready.resolve();
        if (__typename === 'ResyncRequired') hasMissed = true;
        for (const { sequence } of samples) told.set(sequence, (told.get(sequence) ?? 0) + 1);
      },
    },
  );
  following.catch(ready.reject);
  return {
    told,
    ready: ready.promise,
    hasMissed: () => hasMissed,
    leave: async () => {
      leaving.abort();
      await following;
    },
  };
}
