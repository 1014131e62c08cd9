import { domainVariables } from '@aurorasoc/kit/domain';
import { parseEnvironment, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';

const variables = {
  ...domainVariables(4001),
  INGEST_PARTITIONS: variable(z.coerce.number().int().min(1).max(64).default(1), {
    description: 'Streams that carry ingested events; the same for ingest and alerts',
    example: '1',
  }),
} as const;

export type AlertsEnvironment = ReturnType<typeof parseEnvironment<typeof variables>>;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readAlertsEnvironment(source?: Readonly<Record<string, string | undefined>>): AlertsEnvironment {
  return parseEnvironment(variables, source);
}
