/** Variables of the `fleet` process. */
import { existingFile, parseEnvironment, redisUrl } from '@aurorasoc/kit/environment';
import { a2aVariables } from '../a2a/variables.js';

const variables = {
  ...a2aVariables,
  REDIS_URL: redisUrl,
  AGENTS_PUBLIC_KEY_FILE: existingFile(
    "Public key (PEM, Ed25519) of the agents domain; the fleet's callers are checked by it",
    '.aurora/keys/agents.pub.pem',
  ),
} as const;

export type FleetEnvironment = ReturnType<typeof parseEnvironment<typeof variables>>;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readFleetEnvironment(source?: Readonly<Record<string, string | undefined>>): FleetEnvironment {
  return parseEnvironment(variables, source);
}
