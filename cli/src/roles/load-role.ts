/** The roles of `aurora serve`. Each is imported only when it is the one that runs, so a process holds its own code alone. */
import { AuroraError } from '@aurorasoc/kit/errors';

/**
 * Module and exported function of each role. As names and not as imports: the roles' own tests start embedded services from
 * this package, and would otherwise have to be compiled both before and after it.
 */
const ROLES = {
  gateway: ['@aurorasoc/gateway', 'runGateway'],
  alerts: ['@aurorasoc/alerts', 'runAlerts'],
  agents: ['@aurorasoc/agents', 'runAgents'],
  fleet: ['@aurorasoc/agents/fleet', 'runFleet'],
  ingest: ['@aurorasoc/ingest', 'runIngest'],
} as const satisfies Record<string, readonly [module: string, run: string]>;

export type RoleName = keyof typeof ROLES;
export const ROLE_NAMES = Object.keys(ROLES) as RoleName[];

/** @returns what runs the role until the process is told to end. @throws AuroraError `UNKNOWN_ROLE` listing the roles. */
export async function loadRole(name: string): Promise<() => Promise<void>> {
  if (!isRoleName(name)) {
    throw new AuroraError({
      code: 'UNKNOWN_ROLE',
      field: '--role',
      publicMessage: `There is no role "${name}"; roles are ${ROLE_NAMES.join(', ')}`,
    });
  }
  const [moduleName, exportName] = ROLES[name];
  const exported: Readonly<Record<string, unknown>> = await import(moduleName);
  const run = exported[exportName];
  if (typeof run !== 'function') throw new Error(`${moduleName} does not export ${exportName}`);
  return async () => void (await run());
}

function isRoleName(name: string): name is RoleName {
  return Object.hasOwn(ROLES, name);
}
