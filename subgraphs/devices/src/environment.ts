import { domainVariables } from '@aurorasoc/kit/domain';
import { parseEnvironment, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';

/**
 * Ingest notices a broker that went silent after 9 s, and what a killed ingest told is gone after 3 s: within a shorter grace
 * that silence would count as the devices' own.
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
