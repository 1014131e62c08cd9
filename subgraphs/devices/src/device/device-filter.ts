/** Which devices a list or a live field is about. */
import type { FilterQuery } from '@mikro-orm/core';
import type { Connection, Device } from './device.entity.js';

export interface DeviceFilter {
  readonly connection?: Connection[] | undefined;
  readonly isQuarantined?: boolean | undefined;
  readonly model?: string | undefined;
}

export function conditionOf({ connection, isQuarantined, model }: DeviceFilter): FilterQuery<Device> {
  return {
    ...(connection === undefined ? {} : { connection: { $in: connection } }),
    ...(isQuarantined === undefined ? {} : { isQuarantined }),
    ...(model === undefined ? {} : { model }),
  };
}

export function fits(
  { connection, isQuarantined, model }: DeviceFilter,
  device: Pick<Device, 'connection' | 'isQuarantined' | 'model'>,
): boolean {
  return (
    (connection?.includes(device.connection) ?? true) &&
    (isQuarantined === undefined || isQuarantined === device.isQuarantined) &&
    (model === undefined || model === device.model)
  );
}
