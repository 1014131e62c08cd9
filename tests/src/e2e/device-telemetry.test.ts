/**
 * A device from its enrolment to its samples: enrolled through the graph, its telemetry sent to the broker, and read through
 * the graph, live and afterwards; repeated, out of order, broken, and of a device that nobody knows.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createClient } from '@aurorasoc/cli/client';
import { newId } from '@aurorasoc/kit/ids';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeConnection, newPublicKey, telemetryPayload } from '../support/edge-device.js';
import { runFleet } from '../support/edge-fleet.js';
import { startExample } from '../support/example.js';
import { createSecondIdentity } from '../support/public-doors.js';
import { type RunningSite, startTestSite } from '../support/site.js';
import { eventually } from '../support/wait.js';

const STREAM = 'aurora:devices:telemetry:0';
const ACKNOWLEDGEMENTS = 'aurora:devices:acknowledgements';
/** The least that is allowed. */
const GRACE_MS = 10_000;

const ENROL = `mutation ($input: EnrolDeviceInput!) { enrolDevice(input: $input) {
  __typename ... on Device { id version name model firmwareVersion publicKey connection isQuarantined lastSeenAt } ... on EnrolmentTokenRefused { reason }
} }`;
const DEVICE = `query ($id: ID!) { device(id: $id) {
  version connection isQuarantined lastSeenAt telemetry { nodes { sequence measuredAt metrics } } telemetryGaps { firstSequence lastSequence }
  refusedTelemetry { nodes { reason body length } }
} }`;
const TELEMETRY = `subscription ($id: ID!, $metrics: [String!], $after: Cursor) { deviceTelemetry(deviceId: $id, metrics: $metrics, after: $after) {
  __typename
  ... on DeviceTelemetryRecorded { cursor deviceId version actor { kind id } samples { sequence metrics } }
  ... on CaughtUp { cursor } ... on ResyncRequired { since reason }
} }`;
const CHANGES = `subscription ($filter: DeviceFilterInput, $after: Cursor) { deviceChanged(filter: $filter, after: $after) {
  __typename
  ... on DeviceChange { cursor kind deviceId version changed device { id name } }
  ... on CaughtUp { cursor } ... on ResyncRequired { since reason }
} }`;

interface DeviceFacts {
  version: number;
  connection: string;
  isQuarantined: boolean;
  lastSeenAt: string | null;
  telemetry: { nodes: { sequence: number; measuredAt: string; metrics: Record<string, unknown> }[] };
  telemetryGaps: { firstSequence: number; lastSequence: number }[];
  refusedTelemetry: { nodes: { reason: string; body: string; length: number }[] };
}

interface Item {
  __typename: string;
  cursor: string;
  kind?: string;
  deviceId?: string;
  version?: number;
  changed?: string[];
  samples?: { sequence: number; metrics: Record<string, unknown> }[];
}

let site: RunningSite;
let redis: Redis;
let edge: EdgeConnection;
/** A client of another tenant. */
let stranger: RunningSite['client'];

beforeAll(async () => {
  site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF', DEVICE_GRACE_MS: String(GRACE_MS) } });
  redis = new Redis(site.serviceUrl('redis'));
  redis.on('error', () => undefined); // it is restarted below
  edge = new EdgeConnection(site.serviceUrl('mosquitto'));
  stranger = createClient({ url: site.urls.gateway, token: site.site.profiles.sample.token });
});

afterAll(async () => {
  redis?.disconnect();
  await edge?.close();
  await site?.stop();
});

async function createToken(input: object = {}): Promise<string> {
  const answer = await site.client.query<{ createEnrolmentToken: { token: string } }>(
    'mutation ($input: CreateEnrolmentTokenInput!) { createEnrolmentToken(input: $input) { id token expiresAt } }',
    { input },
  );
  return answer.createEnrolmentToken.token;
}

async function requestEnrolment(
  token: string,
  changes: object = {},
  client = site.client,
): Promise<Record<string, unknown> & { __typename: string; id: string }> {
  const input = {
    token,
    name: 'Gate 7',
    model: 'esp32s3',
    firmwareVersion: '1.4.2',
    publicKey: newPublicKey(),
    ...changes,
  };
  const answer = await client.query<{ enrolDevice: { __typename: string; id: string } }>(ENROL, { input });
  return answer.enrolDevice as Record<string, unknown> & { __typename: string; id: string };
}

async function enrol(name: string): Promise<string> {
  return (await requestEnrolment(await createToken(), { name })).id;
}

/** As ingest does, for what no device can do: repeat a batch under its id, have a topic of any shape. @returns the batch's id. */
async function putBatch(device: string, body: Buffer, id = newId()): Promise<string> {
  const fields = { id, v: '1', tenant: '', device, received: new Date().toISOString(), body: body.toString('base64') };
  await redis.xadd(STREAM, '*', ...Object.entries(fields).flat());
  return id;
}

/** What ingest holds and no consumer has acknowledged yet. */
async function readUnacknowledged(): Promise<number> {
  const text = await (await fetch(`${site.urls.ingest}/metrics`)).text();
  return Number(/^ingest_unacknowledged_batches\{[^}]*\} (\d+)/m.exec(text)?.[1]);
}

/** How often each of the batches was acknowledged. */
async function acknowledgementsOf(ids: readonly string[]): Promise<number[]> {
  const entries = await redis.xrange(ACKNOWLEDGEMENTS, '-', '+');
  const subjects = entries.map(([, fields]) => fields[fields.indexOf('subject') + 1]);
  return ids.map((id) => subjects.filter((subject) => subject === id).length);
}

async function read(id: string): Promise<DeviceFacts> {
  const { device } = await site.client.query<{ device: DeviceFacts }>(DEVICE, { id });
  return device;
}

/** Follows a live field until it is left. */
function follow(document: string, variables: Record<string, unknown>, client = site.client) {
  const items: Item[] = [];
  const leaving = new AbortController();
  const following = client.follow<Item>(document, variables, {
    signal: leaving.signal,
    onItem: (item) => {
      items.push(item);
    },
  });
  return {
    items,
    following,
    caughtUp: () =>
      eventually(
        () => items,
        (seen) => seen.some((item) => item.__typename === 'CaughtUp'),
      ),
    leave: async () => {
      leaving.abort();
      await following;
    },
  };
}

const sequencesOf = (items: readonly Item[]): number[] =>
  items.flatMap((item) => item.samples ?? []).map((sample) => sample.sequence);

describe('enrolment', () => {
  it('makes a device known, once for each token', async () => {
    const token = await createToken();
    const publicKey = newPublicKey();
    const device = await requestEnrolment(token, { publicKey });
    expect(device).toMatchObject({
      __typename: 'Device',
      version: 1,
      name: 'Gate 7',
      model: 'esp32s3',
      firmwareVersion: '1.4.2',
      publicKey,
      connection: 'UNKNOWN',
      isQuarantined: false,
      lastSeenAt: null,
    });
    expect(await requestEnrolment(token, { publicKey }), 'who lost the answer').toMatchObject({ id: device.id });
    expect(await requestEnrolment(token)).toEqual({ __typename: 'EnrolmentTokenRefused', reason: 'USED' });
  });

  it('lets one of many devices in that come at once with one token', async () => {
    const token = await createToken();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => requestEnrolment(token)));
    expect(outcomes.map((outcome) => outcome.__typename).sort()).toEqual([
      'Device',
      ...Array.from({ length: 7 }, () => 'EnrolmentTokenRefused'),
    ]);
  });

  it('keeps of a token only its hash, and refuses one that is expired or of another tenant', async () => {
    const token = await createToken({ validForMinutes: 1 });
    expect(await requestEnrolment(token, {}, stranger)).toEqual({
      __typename: 'EnrolmentTokenRefused',
      reason: 'UNKNOWN',
    });
    await inDatabase(async (admin) => {
      const { rows } = await admin.query('select t::text as row from devices.enrolment_token t');
      expect(JSON.stringify(rows)).not.toContain(token);
      await admin.query(`update devices.enrolment_token set expires_at = now() where used_at is null`);
    });
    expect(await requestEnrolment(token)).toEqual({ __typename: 'EnrolmentTokenRefused', reason: 'EXPIRED' });
  });

  it.each([
    ['input.name', { name: ' ' }],
    ['input.model', { model: 'x'.repeat(201) }],
    ['input.firmwareVersion', { firmwareVersion: 'a\0b' }],
    ['input.publicKey', { publicKey: 'none' }],
    [
      'input.publicKey',
      {
        publicKey: generateKeyPairSync('rsa', { modulusLength: 2048 })
          .publicKey.export({ type: 'spki', format: 'pem' })
          .toString(),
      },
    ],
  ])('refuses a wrong %s and leaves the token unused', async (field, changes) => {
    const token = await createToken();
    const input = { token, name: 'n', model: 'm', firmwareVersion: '1', publicKey: newPublicKey(), ...changes };
    const { errors } = await site.client.execute(ENROL, { input });
    expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    expect(await requestEnrolment(token)).toMatchObject({ __typename: 'Device' });
  });

  it('needs the right to change devices for a token', async () => {
    const viewer = createClient({ url: site.urls.gateway, token: await createSecondIdentity(site, 'viewer') });
    const { errors } = await viewer.execute('mutation { createEnrolmentToken(input: {}) { token } }');
    expect(errors[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });

  async function inDatabase(work: (admin: Client) => Promise<void>): Promise<void> {
    const admin = new Client({ connectionString: site.serviceUrl('postgres') });
    await admin.connect();
    try {
      await work(admin);
    } finally {
      await admin.end();
    }
  }
});

describe('telemetry', () => {
  it('is stored once for each sequence number, whatever the order and however often it comes', async () => {
    const id = await enrol('Shuffled');
    const batches = [3, 1, 2, 7, 5].map(
      (seq) => [newId(), telemetryPayload(seq, { temperature: seq + 0.5, door: 'open' })] as const,
    );
    for (const [batch, body] of batches) await putBatch(id, body, batch);
    for (const [batch, body] of batches) await putBatch(id, body, batch);
    // A message that ingest took twice comes as another batch.
    const [, again] = batches[0] ?? [];
    const copy = await putBatch(id, again as Buffer);
    await eventually(
      () => acknowledgementsOf([...batches.map(([batch]) => batch), copy]),
      (counts) => counts.every((count, index) => count === (index < batches.length ? 2 : 1)),
    );
    const device = await read(id);
    expect(device.telemetry.nodes.map((sample) => sample.sequence)).toEqual([7, 5, 3, 2, 1]);
    expect(device.telemetry.nodes[4]).toEqual({
      sequence: 1,
      measuredAt: '2026-09-21T14:13:21.000Z',
      metrics: { temperature: 1.5, door: 'open' },
    });
    expect(device.telemetryGaps).toEqual([
      { firstSequence: 6, lastSequence: 6 },
      { firstSequence: 4, lastSequence: 4 },
    ]);
    expect(device.refusedTelemetry.nodes).toEqual([]);
    expect(Date.parse(device.lastSeenAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    await edge.send(id, telemetryPayload(4, { temperature: 4.5 }));
    await eventually(
      () => read(id),
      (seen) => seen.telemetryGaps.length === 1,
    );
  });

  it('is read by metric, range and page', async () => {
    const id = await enrol('Paged');
    for (const seq of [0, 1, 2, 3])
      await edge.send(id, telemetryPayload(seq, seq % 2 === 0 ? { a: seq, b: true } : { b: false }));
    await eventually(
      () => read(id),
      (seen) => seen.telemetry.nodes.length === 4,
    );
    const query = async (selection: string, variables: Record<string, unknown> = {}) => {
      const answer = await site.client.query<{
        device: {
          telemetry: {
            nodes: { sequence: number; metrics: unknown }[];
            pageInfo: { endCursor: string; hasNextPage: boolean };
          };
        };
      }>(
        `query ($id: ID!, $after: String, $range: TimeRangeInput) { device(id: $id) { telemetry(${selection}, after: $after, range: $range) { nodes { sequence metrics } pageInfo { endCursor hasNextPage } } } }`,
        { id, ...variables },
      );
      return answer.device.telemetry;
    };
    expect((await query('metric: "a"')).nodes).toEqual([
      { sequence: 2, metrics: { a: 2 } },
      { sequence: 0, metrics: { a: 0 } },
    ]);
    const range = { from: '2026-09-21T14:13:21.000Z', to: '2026-09-21T14:13:23.000Z' };
    expect((await query('first: 9', { range })).nodes.map((sample) => sample.sequence)).toEqual([2, 1]);
    const first = await query('first: 3');
    expect(first.nodes.map((sample) => sample.sequence)).toEqual([3, 2, 1]);
    const second = await query('first: 3', { after: first.pageInfo.endCursor });
    expect(second.nodes.map((sample) => sample.sequence)).toEqual([0]);
    expect(second.pageInfo.hasNextPage).toBe(false);
  });

  it('that is no sample is kept as it came and acknowledged, as is that of a device that nobody enrolled', async () => {
    const id = await enrol('Broken');
    const broken = Buffer.from([0xff, 0x00]);
    const reused = telemetryPayload(1, { temperature: 2 });
    const refusals = (count: number) =>
      eventually(
        () => read(id),
        (seen) => seen.telemetry.nodes.length === 1 && seen.refusedTelemetry.nodes.length === count,
      );
    // One after the other: several connections carry them, and none waits for another.
    await edge.send(id, telemetryPayload(1, { temperature: 1 }));
    await refusals(0);
    await edge.send(id, broken);
    await refusals(1);
    await edge.send(id, reused);
    await refusals(2);
    const large = Buffer.alloc(70_000, 7);
    await edge.send(id, large);
    const device = await refusals(3);
    expect(device.telemetry.nodes).toMatchObject([{ sequence: 1, metrics: { temperature: 1 } }]);
    expect(device.refusedTelemetry.nodes).toEqual([
      { reason: 'TOO_LARGE', body: large.subarray(0, 3_072).toString('base64'), length: 70_000 },
      { reason: 'SEQUENCE_REUSED', body: reused.toString('base64'), length: reused.byteLength },
      { reason: 'UNDECODABLE', body: broken.toString('base64'), length: 2 },
    ]);
    await edge.send(newId(), telemetryPayload(1, { temperature: 1 }));
    const batch = await putBatch('no/such device', telemetryPayload(1, { temperature: 1 }));
    await eventually(
      () => acknowledgementsOf([batch]),
      ([count]) => count === 1,
    );
    await eventually(readUnacknowledged, (count) => count === 0);
    expect(await redis.xlen(`${STREAM}:dead`)).toBe(0);
  });

  it('comes from whoever follows the example of the README', async () => {
    const example = startExample('send-telemetry.mjs', {
      TOKEN: site.token,
      AURORA_URL: site.urls.gateway,
      MQTT_URL: site.serviceUrl('mosquitto'),
    });
    const said = await eventually(
      () => example.output,
      (output) => output.includes('Sent 1'),
      20_000,
    );
    const [, id = ''] = /Enrolled as (\S+)/.exec(said) ?? [];
    const device = await eventually(
      () => read(id),
      (seen) => seen.telemetry.nodes.length >= 2,
    );
    expect(device.telemetry.nodes[0]?.metrics).toEqual({ temperature: expect.any(Number) });
  });

  it('is told live, each sample once, and again from any cursor on', async () => {
    const id = await enrol('Live');
    await edge.send(id, telemetryPayload(0, { temperature: 0 }));
    await eventually(
      () => read(id),
      (seen) => seen.telemetry.nodes.length === 1,
    );
    const live = follow(TELEMETRY, { id });
    await live.caughtUp();
    for (const seq of [1, 2, 2, 4, 3, 1, 5])
      await edge.send(id, telemetryPayload(seq, seq === 5 ? { door: 'shut' } : { temperature: seq }));
    await eventually(
      () => sequencesOf(live.items),
      (seen) => seen.length >= 5,
    );
    await live.leave();
    expect(sequencesOf(live.items).toSorted()).toEqual([1, 2, 3, 4, 5]);
    const told = live.items.filter((item) => item.__typename === 'DeviceTelemetryRecorded');
    expect(told[0]).toMatchObject({ deviceId: id, actor: { kind: 'device', id } });

    // The first is what was missed meanwhile, and then what is still to come.
    const resumed = follow(TELEMETRY, { id, after: told[0]?.cursor });
    await resumed.caughtUp();
    await edge.send(id, telemetryPayload(6, { temperature: 6 }));
    const behind = [...sequencesOf(told.slice(1)), 6];
    await eventually(
      () => sequencesOf(resumed.items),
      (seen) => seen.length >= behind.length,
    );
    await resumed.leave();
    expect(sequencesOf(resumed.items)).toEqual(behind);

    const doors = follow(TELEMETRY, { id, metrics: ['door'], after: live.items[0]?.cursor });
    await doors.caughtUp();
    await doors.leave();
    expect(doors.items.flatMap((item) => item.samples ?? [])).toEqual([{ sequence: 5, metrics: { door: 'shut' } }]);
  });
});

describe('a device', () => {
  it('is online while it is heard of and offline after its grace, and each change is told once and in order', async () => {
    const live = follow(CHANGES, { filter: { model: 'nrf52840' } });
    await live.caughtUp();
    const { id } = await requestEnrolment(await createToken(), { model: 'nrf52840', name: 'Told' });
    await edge.send(id, telemetryPayload(1, { temperature: 1 }));
    await eventually(
      () => read(id),
      (seen) => seen.connection === 'ONLINE',
    );
    const { version } = await read(id);
    const quarantine = (expectedVersion: number, of = id, client = site.client) =>
      client.query<{ quarantineDevice: unknown }>(
        `mutation ($id: ID!, $version: Int!) { quarantineDevice(id: $id, expectedVersion: $version) {
          __typename ... on Device { version isQuarantined } ... on DeviceChangedMeanwhile { currentVersion } ... on DeviceNotFound { id }
        } }`,
        { id: of, version: expectedVersion },
      );
    expect((await quarantine(version - 1)).quarantineDevice).toEqual({
      __typename: 'DeviceChangedMeanwhile',
      currentVersion: version,
    });
    expect((await quarantine(version, id, stranger)).quarantineDevice).toEqual({ __typename: 'DeviceNotFound', id });
    // The second time it asks like one who has not heard the first answer.
    for (const _ of ['first', 'again'])
      expect((await quarantine(version)).quarantineDevice).toEqual({
        __typename: 'Device',
        version: version + 1,
        isQuarantined: true,
      });
    await eventually(
      () => read(id),
      (seen) => seen.connection === 'OFFLINE',
      GRACE_MS + 8_000,
    );
    await eventually(
      () => live.items,
      (items) => items.filter((item) => item.kind).length >= 4,
    );
    await live.leave();
    const changes = live.items.filter((item) => item.kind);
    expect(changes.map(({ kind, version: made, changed }) => ({ kind, made, changed }))).toEqual([
      { kind: 'ENROLLED', made: 1, changed: [] },
      { kind: 'UPDATED', made: 2, changed: ['connection'] },
      { kind: 'QUARANTINED', made: 3, changed: ['isQuarantined'] },
      { kind: 'UPDATED', made: 4, changed: ['connection'] },
    ]);

    const resumed = follow(CHANGES, { filter: { model: 'nrf52840' }, after: changes[1]?.cursor });
    await resumed.caughtUp();
    await resumed.leave();
    expect(resumed.items.filter((item) => item.kind).map((item) => item.version)).toEqual([3, 4]);
    const { devices } = await site.client.query<{ devices: { nodes: unknown[] } }>(
      '{ devices(filter: { isQuarantined: true, connection: [OFFLINE] }) { nodes { id } } }',
    );
    expect(devices.nodes).toEqual([{ id }]);
  });

  it('is unknown, not offline, while the broker is away for longer than its grace, and online again with its next message', async () => {
    const id = await enrol('Behind the broker');
    await edge.send(id, telemetryPayload(1, { temperature: 1 }));
    const isSeen = (connection: string, timeoutMs?: number) =>
      eventually(
        () => read(id),
        (seen) => seen.connection === connection,
        timeoutMs,
      );
    await isSeen('ONLINE');
    const offline = follow(CHANGES, { filter: { connection: ['OFFLINE'] } });
    await offline.caughtUp();
    await site.site.stopService('mosquitto');
    await isSeen('UNKNOWN', GRACE_MS + 15_000);
    await site.site.startService('mosquitto');
    await edge.send(id, telemetryPayload(2, { temperature: 2 }));
    await isSeen('ONLINE', 20_000);
    await offline.leave();
    expect(offline.items.filter(({ deviceId }) => deviceId === id)).toEqual([]);
  });

  it('is seen by its own tenant only', async () => {
    const id = await enrol('Hidden');
    await edge.send(id, telemetryPayload(1, { temperature: 1 }));
    await eventually(
      () => read(id),
      (seen) => seen.telemetry.nodes.length === 1,
    );
    const answer = await stranger.query<{ device: unknown; devices: { nodes: unknown[] } }>(
      'query ($id: ID!) { device(id: $id) { id } devices { nodes { id } } }',
      { id },
    );
    expect(answer).toEqual({ device: null, devices: { nodes: [] } });
    const refused = await follow(TELEMETRY, { id }, stranger).following.catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a fleet of devices', () => {
  it('loses and doubles nothing while broker, ingest and Redis are restarted', { timeout: 180_000 }, async () => {
    const { site: running } = site;
    const outcome = await runFleet(site, {
      devices: 20,
      messages: 30,
      pauseMs: 100,
      settleMs: 90_000,
      meanwhile: async () => {
        await running.stopService('mosquitto');
        await running.startService('mosquitto');
        running.killRole('ingest', 'SIGKILL');
        await running.stopService('redis');
        await running.startService('redis');
      },
    });
    expect(outcome).toMatchObject({ lost: 0, doubled: 0, resyncs: 0 });
    expect(outcome.sent).toBeGreaterThanOrEqual(20 * 30);
    await eventually(readUnacknowledged, (count) => count === 0, 30_000);
  });
});
