/** Devices that fall silent: all of them are said to be offline, however many there are and whichever of them fail. */
import { Device } from '@aurorasoc/devices/device/device.entity';
import { DeviceLog } from '@aurorasoc/devices/device/device-log';
import { readHearing } from '@aurorasoc/devices/device/hearing';
import { PresenceWatch } from '@aurorasoc/devices/device/presence-watch';
import { devicesEvents } from '@aurorasoc/devices/events';
import { hearingKeyOf, LISTENERS_KEY, tellHearing } from '@aurorasoc/ingest/contracts';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import type { Logger } from '@aurorasoc/kit/log';
import { connectRedis, type Redis, whenReady } from '@aurorasoc/kit/streams';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDevicesDatabase, type DomainDatabase, redisUrl } from '../support/domain-database.js';
import { eventually } from '../support/wait.js';

const GRACE_MS = 60_000;

let base: DomainDatabase;
let database: Database;
let tenant: string;
let warn: ReturnType<typeof vi.fn>;
let watch: PresenceWatch;
let heardSince: Date | undefined;
let heardUntil: Date | undefined;

beforeAll(async () => {
  base = await createDevicesDatabase('presence');
  database = await base.open('svc');
});

afterAll(() => base.close());

beforeEach(() => {
  tenant = newId();
  warn = vi.fn();
  heardSince = new Date(0);
  heardUntil = undefined;
  watch = new PresenceWatch({
    database,
    deviceLog: new DeviceLog(new EventRecorder('devices', 'test', devicesEvents)),
    log: { warn } as unknown as Logger,
    graceMs: GRACE_MS,
    hearing: async (now) => ({ since: heardSince, until: heardUntil ?? now }),
  });
});

/** Devices that were seen so long ago and count as online until a moment that is past, each later than the one before. */
async function addOnline(count: number, silentMs: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId());
  const seenAt = new Date(Date.now() - silentMs);
  await database.inTenant(tenant, async (em) => {
    for (const id of ids) {
      const facts = {
        tenant,
        name: 'Edge',
        model: 'probe',
        firmwareVersion: '1',
        publicKey: 'none',
        enrolledAt: seenAt,
      };
      em.persist(Object.assign(new Device(facts), { id, connection: 'ONLINE', lastSeenAt: seenAt }));
    }
  });
  await base.admin.query(
    `insert into devices.device_directory (device_id, tenant, online_until)
     select id, $2, now() - interval '1 second' + place * interval '1 microsecond'
     from unnest($1::uuid[]) with ordinality as added (id, place)`,
    [ids, tenant],
  );
  return ids;
}

async function findOnline(): Promise<string[]> {
  const { rows } = await base.admin.query<{ id: string }>(
    `select id from devices.device where tenant = $1 and connection = 'ONLINE' order by id`,
    [tenant],
  );
  return rows.map(({ id }) => id);
}

describe('one look', () => {
  it('comes to all that are due, were they more than are read at a time', async () => {
    await addOnline(1_001, 2 * GRACE_MS);
    await watch.look();
    expect(await findOnline()).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
  });

  it('leaves those that a raised grace still holds online, and has the watch wait for its end', async () => {
    const held = await addOnline(501, 1_000);
    const [silent] = await addOnline(1, 2 * GRACE_MS);
    await watch.look();
    expect(await findOnline()).toEqual(held);
    const { rows } = await base.admin.query<{ id: string; isDue: boolean }>(
      'select device_id as id, online_until <= now() as "isDue" from devices.device_directory where tenant = $1 and (online_until <= now() or online_until is null)',
      [tenant],
    );
    expect(rows).toEqual([{ id: silent, isDue: null }]);
  });

  it('goes on behind a device that fails, and says which it was', async () => {
    const [broken = ''] = await addOnline(3, 2 * GRACE_MS);
    await base.admin.query(
      `create function break_device() returns trigger language plpgsql as $$ begin raise 'broken'; end $$;
       create trigger broken before update on devices.device for each row when (old.id = '${broken}') execute function break_device()`,
    );
    await watch.look();
    expect(await findOnline()).toEqual([broken]);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      { devices: 1, device: broken, error: expect.stringContaining('broken') },
      expect.any(String),
    );
    await base.admin.query('drop trigger broken on devices.device');
    await watch.look();
    expect(await findOnline()).toEqual([]);
  });
});

describe('a device that falls silent', () => {
  it('is unknown while nobody listens, has its whole grace once somebody does again, and is offline after that', async () => {
    const connections = async (): Promise<string[]> =>
      (await base.admin.query('select connection from devices.device where tenant = $1', [tenant])).rows.map(
        ({ connection }) => connection,
      );
    await addOnline(2, 2 * GRACE_MS);
    heardSince = undefined;
    await watch.look();
    expect(await connections()).toEqual(['UNKNOWN', 'UNKNOWN']);
    heardSince = new Date(Date.now() - GRACE_MS / 2);
    await watch.look();
    expect(await connections()).toEqual(['UNKNOWN', 'UNKNOWN']);
    await base.admin.query(`update devices.device_directory set online_until = online_until - interval '1 hour'`);
    heardSince = new Date(Date.now() - GRACE_MS);
    await watch.look();
    expect(await connections()).toEqual(['OFFLINE', 'OFFLINE']);
  });

  it('is judged as of the moment until which all that was received is stored, whether or not somebody listens', async () => {
    const held = await addOnline(2, 2 * GRACE_MS);
    heardUntil = new Date(Date.now() - GRACE_MS - 1_000);
    for (heardSince of [new Date(0), undefined]) {
      await watch.look();
      expect(await findOnline()).toEqual(held);
    }
    heardSince = new Date(0);
    heardUntil = undefined;
    await watch.look();
    expect(await findOnline()).toEqual([]);
  });

  it('is left online where somebody has begun to listen only since it was due', async () => {
    const held = await addOnline(1, 2 * GRACE_MS);
    heardSince = new Date(Date.now() - GRACE_MS / 2);
    await watch.look();
    expect(await findOnline()).toEqual(held);
    const { rows } = await base.admin.query(
      'select online_until > now() as waits from devices.device_directory where tenant = $1',
      [tenant],
    );
    expect(rows).toEqual([{ waits: true }]);
  });
});

describe('what was heard', () => {
  const STREAMS = ['test:telemetry:0', 'test:telemetry:1'];
  const GROUP = 'test-telemetry';
  let redis: Redis;

  beforeAll(async () => {
    redis = connectRedis(await redisUrl(), 'test', base.health);
    await whenReady(redis, 5_000);
  });
  beforeEach(() => redis.flushdb());
  afterAll(() => redis.disconnect());

  /** A message that ingest received so long ago. @returns the entry's id, and when it was received. */
  async function putMessage(agoMs: number, stream = STREAMS[0] ?? ''): Promise<{ id: string; receivedAt: Date }> {
    const receivedAt = new Date(Date.now() - agoMs);
    const id = await redis.xadd(stream, '*', 'id', newId(), 'received', receivedAt.toISOString(), 'body', '');
    return { id: id ?? '', receivedAt };
  }
  const heardUntil = async (now = new Date()): Promise<Date> => (await readHearing(redis, STREAMS, GROUP, now)).until;

  it('reaches until the oldest message that is not stored: not given out, or given out and not acknowledged', async () => {
    const [stream = '', other = ''] = STREAMS;
    const now = new Date();
    expect(await heardUntil(now)).toEqual(now);
    const first = await putMessage(3 * GRACE_MS);
    const second = await putMessage(2 * GRACE_MS);
    const elsewhere = await putMessage(GRACE_MS, other);
    expect(await heardUntil()).toEqual(first.receivedAt);
    for (const each of STREAMS) await redis.xgroup('CREATE', each, GROUP, '0');
    expect(await heardUntil()).toEqual(first.receivedAt);
    await redis.xreadgroup('GROUP', GROUP, 'worker', 'COUNT', 10, 'STREAMS', stream, '>');
    expect(await heardUntil()).toEqual(first.receivedAt);
    await redis.xack(stream, GROUP, first.id);
    expect(await heardUntil()).toEqual(second.receivedAt);
    await redis.xack(stream, GROUP, second.id);
    expect(await heardUntil()).toEqual(elsewhere.receivedAt);
    await redis.xreadgroup('GROUP', GROUP, 'worker', 'COUNT', 10, 'STREAMS', other, '>');
    await redis.xack(other, GROUP, elsewhere.id);
    expect(await heardUntil(now)).toEqual(now);
  });

  describe('is what all instances of ingest tell', () => {
    const ends: (() => Promise<void>)[] = [];
    const tell = (instanceId: string, state: { isHearing: boolean; sentUntil: number }, sessionExpiryMs = 60_000) => {
      const end = tellHearing({
        redis,
        instanceId,
        sessionExpiryMs,
        isHearing: () => state.isHearing,
        sentUntilMs: () => state.sentUntil,
      });
      ends.push(end);
      return end;
    };
    const read = () => readHearing(redis, STREAMS, GROUP, new Date());
    const isHeard = (expected: boolean) => eventually(read, ({ since }) => (since !== undefined) === expected, 10_000);
    afterEach(() => Promise.all(ends.splice(0).map((end) => end())));

    it('as long as each of them hears its share, from when the last of them began', async () => {
      expect((await read()).since).toBeUndefined();
      const [one, other] = [
        { isHearing: true, sentUntil: Date.now() },
        { isHearing: true, sentUntil: Date.now() - GRACE_MS },
      ];
      tell('one', one);
      const { since: before } = await isHeard(true);
      other.isHearing = false;
      tell('other', other);
      await isHeard(false);
      other.isHearing = true;
      const { since, until } = await isHeard(true);
      expect(since?.getTime()).toBeGreaterThan(before?.getTime() ?? 0);
      expect(until.getTime()).toBe(other.sentUntil);
      expect((await read()).since).toEqual(since);
    });

    it('not while one has ended, until the broker gives its session nothing any more', async () => {
      const state = { isHearing: true, sentUntil: Date.now() };
      tell('one', state);
      const end = tell('other', state);
      await isHeard(true);
      await end();
      expect((await read()).since).toBeUndefined();
      await redis.zadd(LISTENERS_KEY, Date.now() - 1, 'other');
      await isHeard(true);
    });

    it('anew after what was told was lost', async () => {
      tell('one', { isHearing: true, sentUntil: Date.now() });
      const { since } = await isHeard(true);
      await redis.del(hearingKeyOf('one'));
      await isHeard(false);
      expect((await isHeard(true)).since?.getTime()).toBeGreaterThan(since?.getTime() ?? 0);
    });
  });

  it('sets no device offline whose messages wait behind an outage of the database that was longer than the grace', async () => {
    const [stream = ''] = STREAMS;
    const held = await addOnline(3, 2 * GRACE_MS);
    heardSince = new Date(0);
    const behind = new PresenceWatch({
      ...watch.options,
      hearing: async (now) => ({ ...(await readHearing(redis, STREAMS, GROUP, now)), since: heardSince }),
    });
    await redis.xgroup('CREATE', stream, GROUP, '0', 'MKSTREAM');
    const { id } = await putMessage(2 * GRACE_MS);
    await redis.xreadgroup('GROUP', GROUP, 'worker', 'COUNT', 10, 'STREAMS', stream, '>');
    await behind.look();
    expect(await findOnline()).toEqual(held);
    expect((await base.admin.query('select 1 from devices.event where tenant = $1', [tenant])).rowCount).toBe(0);
    await redis.xack(stream, GROUP, id);
    await behind.look();
    expect(await findOnline()).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
  });
});
