/** Makes a device known, by a token that is good for one device. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import { type Clock, systemClock } from '@aurorasoc/kit/ids';
import type { DevicesServices } from '../context.js';
import { Device } from '../device/device.entity.js';
import { lockToken } from './enrolment-token.js';

export interface EnrolmentRequest {
  readonly token: string;
  readonly name: string;
  readonly model: string;
  readonly firmwareVersion: string;
  /** SubjectPublicKeyInfo in PEM, as {@link readPublicKey} gives it. */
  readonly publicKey: string;
}

export type EnrolmentOutcome = { kind: 'enrolled'; device: Device } | { kind: 'unknown' | 'expired' | 'used' };

/**
 * A device that lost the answer asks again with the token and the key that it used, and gets itself; with any other key a
 * used token is used up.
 */
export function enrolDevice(
  { runtime, deviceLog }: Pick<DevicesServices, 'runtime' | 'deviceLog'>,
  principal: Principal,
  request: EnrolmentRequest,
  clock: Clock = systemClock,
): Promise<EnrolmentOutcome> {
  const { tenant } = principal;
  return runtime.database.inTenant(tenant, async (em): Promise<EnrolmentOutcome> => {
    const now = clock();
    const token = await lockToken(em, request.token, now);
    if (token === undefined) return { kind: 'unknown' };
    if (token.deviceId !== null) {
      const enrolled = await em.findOne(Device, { id: token.deviceId });
      return enrolled?.publicKey === request.publicKey ? { kind: 'enrolled', device: enrolled } : { kind: 'used' };
    }
    if (token.isExpired) return { kind: 'expired' };
    const { name, model, firmwareVersion, publicKey } = request;
    const device = new Device({ tenant, name, model, firmwareVersion, publicKey, enrolledAt: now });
    em.persist(device);
    await deviceLog.enrolled(em, device, actorOf(principal));
    await em.execute('insert into devices.device_directory (device_id, tenant) values (?, ?)', [device.id, tenant]);
    await em.execute('update devices.enrolment_token set used_at = ?, device_id = ? where id = ?', [
      now,
      device.id,
      token.id,
    ]);
    return { kind: 'enrolled', device };
  });
}
