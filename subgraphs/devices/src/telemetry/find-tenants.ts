/** Whose telemetry is whose: the enrolment says, never the message. */
import { arrayLiteral, type Database } from '@aurorasoc/kit/database';
import { isUuid, NO_TENANT } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { deviceOf } from './telemetry-batch.js';

/** The tenant of rows about devices that no tenant enrolled. */
export const NOBODY = NO_TENANT;

/** The entries with the tenants of their devices, one tenant after the other; each tenant's stay in stream order. */
export async function findTenants(
  database: Database,
  entries: readonly StreamEntry[],
): Promise<readonly StreamEntry[]> {
  const ids = [...new Set(entries.map(deviceOf).filter(isUuid))];
  const rows = await database.execute<{ device_id: string; tenant: string }>(
    'select device_id, tenant from devices.device_directory where device_id = any(?::uuid[])',
    [arrayLiteral(ids)],
  );
  const tenantOf = new Map(rows.map((row) => [row.device_id, row.tenant]));
  const known = entries.map((entry) => ({ ...entry, tenant: tenantOf.get(deviceOf(entry)) ?? NOBODY }));
  return [...Map.groupBy(known, (entry) => entry.tenant).values()].flat();
}
