/** Devices that fall silent: all of them are said to be offline, however many there are and whichever of them fail. */
import { Device } from '@aurorasoc/devices/device/device.entity';
import { DeviceLog } from '@aurorasoc/devices/device/device-log';
import { PresenceWatch } from '@aurorasoc/devices/device/presence-watch';
import { devicesEvents } from '@aurorasoc/devices/events';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import type { Logger } from '@aurorasoc/kit/log';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDevicesDatabase, type DomainDatabase } from '../support/domain-database.js';

const GRACE_MS = 60_000;

let base: DomainDatabase;
let database: Database;
let tenant: string;
let warn: ReturnType<typeof vi.fn>;
let watch: PresenceWatch;
let heardSince: Date | undefined;

beforeAll(async () => {
  base = await createDevicesDatabase('presence');
  database = await base.open('svc');
});

afterAll(() => base.close());

beforeEach(() => {
  tenant = newId();
  warn = vi.fn();
  heardSince = new Date(0);
  watch = new PresenceWatch({
    database,
    deviceLog: new DeviceLog(new EventRecorder('devices', 'test', devicesEvents)),
    log: { warn } as unknown as Logger,
    graceMs: GRACE_MS,
    hearingSince: async () => heardSince,
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
