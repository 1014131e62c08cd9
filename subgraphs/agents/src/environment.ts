/** Variables of the `agents` process. */
import { domainVariables } from '@aurorasoc/kit/domain';
import { existingFile, parseEnvironment, port, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';
import { a2aVariables } from './a2a/variables.js';

const concurrency = (description: string, fallback: number) =>
  variable(z.coerce.number().int().min(1).max(256).default(fallback), { description, example: String(fallback) });

export const TASK_METRICS_PORT = 9_464;

const variables = {
  ...domainVariables(4002),
  ...a2aVariables,
  AGENTS_PRIVATE_KEY_FILE: existingFile(
    "Private key (PEM, Ed25519) that signs the agents' tokens",
    '.aurora/keys/agents.pem',
  ),
  INVESTIGATE_FROM_SEVERITY: variable(z.enum(['OFF', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL']).default('HIGH'), {
    description: 'Alerts from this severity on are investigated without being asked for',
    example: 'HIGH',
  }),
  ORCHESTRATOR_CONCURRENCY: concurrency('Investigations that one process runs at a time', 8),
  SPECIALIST_CONCURRENCY: concurrency('Tasks of specialists that one process runs at a time', 16),
  TASK_LEASE_MS: variable(z.coerce.number().int().min(500).max(300_000).default(30_000), {
    description: 'A worker that says nothing for this long has lost its task to another, milliseconds',
    example: '30000',
  }),
  AGENT_TASK_WORKER_METRICS_PORT: port(
    "Further port for the task worker's metrics; taken: a warning",
    TASK_METRICS_PORT,
  ),
} as const;

export type AgentsEnvironment = ReturnType<typeof parseEnvironment<typeof variables>>;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readAgentsEnvironment(source?: Readonly<Record<string, string | undefined>>): AgentsEnvironment {
  return parseEnvironment(variables, source);
}
