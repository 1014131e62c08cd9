/** The live field `deviceTelemetry`. */
import { type DomainEvent, readData } from '@aurorasoc/kit/events';
import { changeFacts, type LiveItems, type LiveSource, openLive } from '@aurorasoc/kit/live';
import { devicesEvents, telemetrySubject } from '../events.js';
import { DeviceTelemetryRecorded } from './telemetry.type.js';

export interface TelemetrySubscription {
  readonly tenant: string;
  readonly deviceId: string;
  /** Only samples with one of these; undefined: all. */
  readonly wanted: ReadonlySet<string> | undefined;
  /** undefined: from now on. History is what `Device.telemetry` is for. */
  readonly after: string | undefined;
}

export function openDeviceTelemetry(
  live: LiveSource,
  { tenant, deviceId, wanted, after }: TelemetrySubscription,
): LiveItems<DeviceTelemetryRecorded> {
  return openLive(live, {
    tenant,
    subject: telemetrySubject(deviceId),
    startsNow: true,
    after,
    toItem: (event, cursor) => toRecorded(event, cursor, deviceId, wanted),
  });
}

function toRecorded(
  event: DomainEvent,
  cursor: string,
  deviceId: string,
  wanted: ReadonlySet<string> | undefined,
): DeviceTelemetryRecorded | undefined {
  const { sequences, metrics } = readData(event, devicesEvents['telemetry.recorded']);
  if (wanted !== undefined && !metrics.some((name) => wanted.has(name))) return undefined;
  return Object.assign(new DeviceTelemetryRecorded(), { ...changeFacts(event, cursor), deviceId, sequences, wanted });
}
