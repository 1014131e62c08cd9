import { domainVariables } from '@aurorasoc/kit/domain';
import { parseEnvironment, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';

/**
 * A silence of the site's own, be it the broker's, is told from the devices' by what ingest has heard: see device/hearing.ts. But a
 * device that loses its connection needs some seconds to be back, and within a shorter grace would be said to be offline each time.
 */
const LEAST_GRACE_MS = 10_000;

const variables = {
  ...domainVariables(4005),
  DEVICES_PARTITIONS: variable(z.coerce.number().int().min(1).max(64).default(1), {
    description: "Streams that carry devices' telemetry; the same for ingest and devices",
    example: '1',
  }),
  DEVICE_GRACE_MS: variable(z.coerce.number().int().min(LEAST_GRACE_MS).max(86_400_000).default(120_000), {
    description:
      'A device that was silent for this long is offline, milliseconds; well above the time between its messages',
    example: '120000',
  }),
} as const;

export type DevicesEnvironment = ReturnType<typeof parseEnvironment<typeof variables>>;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readDevicesEnvironment(source?: Readonly<Record<string, string | undefined>>): DevicesEnvironment {
  return parseEnvironment(variables, source);
}
