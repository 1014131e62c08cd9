/** `run/state.json`: what the supervisor runs, for `aurora status` and for tests. Holds no secret. */
import { readFileSync } from 'node:fs';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import { z } from 'zod';
import { writeFileAtomically } from '../services/data-folder/write-file-atomically.js';
import { processIdentitySchema } from '../services/process/process-identity.js';
import { isAbsent } from '../services/service-error.js';

export const PROCESS_STATES = ['starting', 'running', 'restarting', 'stopped'] as const;

const processStateSchema = z.object({
  state: z.enum(PROCESS_STATES),
  /** Absent while nothing runs. */
  process: processIdentitySchema.optional(),
  port: z.int(),
  /** When it entered this state, RFC 3339. */
  since: z.iso.datetime(),
  /** How often the supervisor had to start it again. */
  restarts: z.int(),
});
export type ProcessState = Readonly<z.output<typeof processStateSchema>>;

const roleStateSchema = processStateSchema.extend({ healthUrl: z.url() });
/** `external`: given by the environment, not ours to start. */
const serviceStateSchema = processStateSchema.extend({ host: z.string(), isExternal: z.boolean() });
export type RoleState = Readonly<z.output<typeof roleStateSchema>>;
export type ServiceState = Readonly<z.output<typeof serviceStateSchema>>;

const siteStateSchema = z.object({
  supervisor: processIdentitySchema,
  startedAt: z.iso.datetime(),
  urls: z.object({ gateway: z.url(), ingest: z.url(), syslog: z.url().optional() }),
  services: z.record(z.string(), serviceStateSchema),
  roles: z.record(z.string(), roleStateSchema),
});
export type SiteState = Readonly<z.output<typeof siteStateSchema>>;

export function writeSiteState(file: string, state: SiteState): void {
  writeFileAtomically(file, `${JSON.stringify(state, null, 2)}\n`);
}

/**
 * @returns undefined when no supervisor has written one, or what is there is none.
 * @throws AuroraError `CONFIGURATION_INVALID` for a file that this user may not read.
 */
export function readSiteState(file: string): SiteState | undefined {
  try {
    return siteStateSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || isAbsent(error)) return undefined;
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `${file} cannot be read (${describeError(error)}); is AURORA_HOME a folder of this user?`,
      cause: error,
    });
  }
}
