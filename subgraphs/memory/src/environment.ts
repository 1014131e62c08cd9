/** Variables of the `memory` process. */
import { domainVariables } from '@aurorasoc/kit/domain';
import { parseEnvironment, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';
import { VECTOR_SETTINGS } from './vector/vector-index.js';

const variables = {
  ...domainVariables(4003),
  MEMORY_VECTOR: variable(z.enum(VECTOR_SETTINGS).default('auto'), {
    description:
      'How likeness is searched: pgvector, exact (the newest 20,000 entries of a tenant), off (by words alone), or auto: pgvector where it is installed, else exact',
    example: 'auto',
  }),
} as const;

export type MemoryEnvironment = ReturnType<typeof parseEnvironment<typeof variables>>;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readMemoryEnvironment(source?: Readonly<Record<string, string | undefined>>): MemoryEnvironment {
  return parseEnvironment(variables, source);
}
