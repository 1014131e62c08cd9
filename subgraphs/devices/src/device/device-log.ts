/** Writes what happened to devices as domain events. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { envelopeOf } from '@aurorasoc/kit/domain';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import type { DevicesEvents } from '../events.js';
import type { Device } from './device.entity.js';

export class DeviceLog {
  constructor(readonly recorder: EventRecorder<DevicesEvents>) {}

  async enrolled(em: EntityManager, device: Device, actor: Actor): Promise<void> {
    await this.recorder.record(em, {
      ...envelopeOf(device, actor, device.enrolledAt),
      type: 'device.enrolled',
      data: factsOf(device),
    });
  }

  /** Counts the version up and records the change. @param changed - names of the fields that differ. */
  async updated(em: EntityManager, device: Device, changed: readonly string[], actor: Actor, now: Date): Promise<void> {
    device.version += 1;
    device.updatedAt = now;
    await this.recorder.record(em, {
      ...envelopeOf(device, actor, now),
      type: 'device.updated',
      data: { ...factsOf(device), changed: [...changed] },
    });
  }

  /** Like {@link DeviceLog.updated}, for the change that sets a device apart. */
  async quarantined(em: EntityManager, device: Device, actor: Actor, now: Date): Promise<void> {
    device.version += 1;
    device.updatedAt = now;
    await this.recorder.record(em, {
      ...envelopeOf(device, actor, now),
      type: 'device.quarantined',
      data: factsOf(device),
    });
  }
}

function factsOf({ name, model, firmwareVersion, connection, isQuarantined }: Device) {
  return { name, model, firmwareVersion, connection, isQuarantined };
}
