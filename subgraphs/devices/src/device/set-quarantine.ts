/** Sets a device apart, and takes it back. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import { LockMode } from '@mikro-orm/core';
import type { DevicesServices } from '../context.js';
import { Device } from './device.entity.js';

export type QuarantineOutcome =
  | { kind: 'done'; device: Device }
  | { kind: 'stale'; currentVersion: number }
  | { kind: 'missing' };

/**
 * A device that already is as it should be stays as it is, without an event and whatever version is expected.
 * @param expectedVersion - the version that the caller saw.
 */
export function setQuarantine(
  { runtime, deviceLog }: DevicesServices,
  principal: Principal,
  id: string,
  expectedVersion: number,
  isQuarantined: boolean,
): Promise<QuarantineOutcome> {
  return runtime.database.inTenant(principal.tenant, async (em): Promise<QuarantineOutcome> => {
    const device = await em.findOne(Device, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (device === null) return { kind: 'missing' };
    if (device.isQuarantined === isQuarantined) return { kind: 'done', device };
    if (device.version !== expectedVersion) return { kind: 'stale', currentVersion: device.version };
    device.isQuarantined = isQuarantined;
    const actor = actorOf(principal);
    if (isQuarantined) await deviceLog.quarantined(em, device, actor, new Date());
    else await deviceLog.updated(em, device, ['isQuarantined'], actor, new Date());
    return { kind: 'done', device };
  });
}
