/** The live field `deviceChanged`. */
import { type DomainEvent, readData } from '@aurorasoc/kit/events';
import { changeFacts, type LiveItems, openLive } from '@aurorasoc/kit/live';
import type { DevicesContext } from '../context.js';
import { devicesEvents } from '../events.js';
import { DeviceChange, type DeviceChangeKind } from './device.type.js';
import { type DeviceFilter, fits } from './device-filter.js';

export function openDeviceChanges(
  { services, principal }: DevicesContext,
  filter: DeviceFilter,
  after: string | undefined,
): LiveItems<DeviceChange> {
  return openLive(services.runtime.live, {
    tenant: principal.tenant,
    after,
    toItem: (event, cursor) => toDeviceChange(event, cursor, filter),
  });
}

const KINDS: Readonly<Record<string, keyof typeof DeviceChangeKind>> = {
  'device.enrolled': 'ENROLLED',
  'device.updated': 'UPDATED',
  'device.quarantined': 'QUARANTINED',
};

function toDeviceChange(event: DomainEvent, cursor: string, filter: DeviceFilter): DeviceChange | undefined {
  const kind = KINDS[event.type];
  if (kind === undefined) return undefined;
  const facts = readData(event, devicesEvents['device.updated'].partial({ changed: true }));
  if (!fits(filter, facts)) return undefined;
  return Object.assign(new DeviceChange(), {
    ...changeFacts(event, cursor),
    kind,
    deviceId: event.subject,
    changed: facts.changed ?? (kind === 'QUARANTINED' ? ['isQuarantined'] : []),
  });
}
