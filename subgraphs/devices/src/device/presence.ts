/**
 * Whether a device is heard of: online with a message, offline when it was silent for longer than the grace while somebody
 * listened, unknown when nobody did.
 */
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { ofOpenTenant } from '@aurorasoc/kit/erasure';
import type { Actor } from '@aurorasoc/kit/events';
import { LockMode } from '@mikro-orm/core';
import { type Connection, Device } from './device.entity.js';
import type { DeviceLog } from './device-log.js';
import type { Hearing } from './hearing.js';

const WATCH = { kind: 'service', id: 'devices/presence' } as const;

/**
 * Takes note of a message. One that lay in ingest's spool for longer than the grace tells that the device was there, not
 * that it is.
 *
 * @param device - locked by the caller.
 * @param receivedAt - when ingest received it; a clock that is ahead counts as `now`.
 * @param graceMs - milliseconds.
 */
export async function markSeen(
  em: EntityManager,
  log: DeviceLog,
  device: Device,
  receivedAt: Date,
  now: Date,
  graceMs: number,
): Promise<void> {
  const seenMs = Math.max(device.lastSeenAt?.getTime() ?? 0, Math.min(receivedAt.getTime(), now.getTime()));
  device.lastSeenAt = new Date(seenMs);
  const onlineUntil = new Date(seenMs + graceMs);
  const isOnline = onlineUntil > now;
  if (isOnline)
    await em.execute('update devices.device_directory set online_until = ? where device_id = ?', [
      onlineUntil,
      device.id,
    ]);
  // Whether it went offline is the watch's to say, which knows when.
  if (isOnline) await setConnection(em, log, device, 'ONLINE', { kind: 'device', id: device.id }, now);
  else if (device.connection === 'UNKNOWN')
    await em.execute(
      'update devices.device_directory set online_until = ? where device_id = ? and online_until is null',
      [onlineUntil, device.id],
    );
}

/** Takes devices of erased tenants off the watch's list, which they would head for ever: their rows stay. */
export async function forgetErased(database: Database, now: Date): Promise<void> {
  await database.execute(
    `update devices.device_directory set online_until = null
     where online_until <= ? and not ${ofOpenTenant('devices', 'device_directory')}`,
    [now],
  );
}

/** Below every id. */
const LOWEST_ID = '00000000-0000-0000-0000-000000000000';

export interface SilentDevice {
  readonly id: string;
  readonly tenant: string;
  /** As PostgreSQL writes it: to the microsecond, which a date would cut. */
  readonly onlineUntil: string;
}

/**
 * Devices whose grace was over at a moment, of any tenant, the longest silent first; at most `limit`.
 * @param after - the last one of the page before.
 */
export function findSilent(
  database: Database,
  at: Date,
  limit: number,
  after: SilentDevice | undefined,
): Promise<SilentDevice[]> {
  return database.execute(
    `select device_id as id, tenant, online_until::text as "onlineUntil" from devices.device_directory
     where online_until <= ? and (online_until, device_id) > (?::timestamptz, ?::uuid)
     and ${ofOpenTenant('devices', 'device_directory')} order by online_until, device_id limit ?`,
    [at, after?.onlineUntil ?? '-infinity', after?.id ?? LOWEST_ID, limit],
  );
}

/** Devices of which nobody could hear are due from then on. */
export async function endDeafness(database: Database, dueAt: Date): Promise<void> {
  await database.execute(
    `update devices.device_directory set online_until = ? where online_until = 'infinity'
     and ${ofOpenTenant('devices', 'device_directory')}`,
    [dueAt],
  );
}

/**
 * Sets a device offline, unless it was heard of meanwhile, or has longer since the grace was raised: then it is due when that
 * is over. Where nobody listens it is unknown; where somebody has listened for less than the grace it has until then. It is
 * judged as of `heard.until`: what it sent later may not be stored yet.
 *
 * @param graceMs - milliseconds.
 */
export function markSilent(
  database: Database,
  log: DeviceLog,
  { tenant, id }: SilentDevice,
  now: Date,
  graceMs: number,
  heard: Hearing,
): Promise<void> {
  return database.inTenant(tenant, async (em) => {
    const device = await em.findOne(Device, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (device === null) return;
    const lastSeenMs = device.lastSeenAt?.getTime() ?? 0;
    const isDeaf = heard.since === undefined && lastSeenMs + graceMs <= heard.until.getTime();
    const onlineUntil = new Date(Math.max(lastSeenMs, heard.since?.getTime() ?? 0) + graceMs);
    const isSilent = !isDeaf && onlineUntil <= heard.until;
    await em.execute('update devices.device_directory set online_until = ?::timestamptz where device_id = ?', [
      isDeaf ? 'infinity' : isSilent ? null : onlineUntil.toISOString(),
      id,
    ]);
    if (isDeaf || isSilent) await setConnection(em, log, device, isDeaf ? 'UNKNOWN' : 'OFFLINE', WATCH, now);
  });
}

async function setConnection(
  em: EntityManager,
  log: DeviceLog,
  device: Device,
  connection: Connection,
  actor: Actor,
  now: Date,
): Promise<void> {
  if (device.connection === connection) return;
  device.connection = connection;
  await log.updated(em, device, ['connection'], actor, now);
}
