/** Variables by which the task worker and the fleet agree where agents listen. */
import { serviceUrl, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';

export const a2aVariables = {
  A2A_HOST: variable(z.string().min(1).default('127.0.0.1'), {
    description: 'Address of the A2A servers: the fleet listens on it, the task worker calls it',
    example: '127.0.0.1',
  }),
  A2A_BASE_PORT: variable(z.union([z.literal('auto'), z.coerce.number().int().min(0).max(65_000)]).default(9_000), {
    description:
      'Port of the orchestrator, the specialists follow it, also those that run alone; `auto` or 0: free ports, written to A2A_URLS_FILE',
    example: '9000',
  }),
  A2A_URLS_FILE: variable(z.string().min(1).optional(), {
    description:
      'File with a JSON object of agent name to URL: the fleet writes it once it listens, an agent alone the one of this name with `.<agent>` behind it; the task worker prefers both to host and port',
    example: '.aurora/run/agents.json',
  }),
  GATEWAY_URL: serviceUrl(
    'The gateway; `/graphql` is appended where it is missing',
    /^https?$/,
    'http://127.0.0.1:8000',
  ),
} as const;
