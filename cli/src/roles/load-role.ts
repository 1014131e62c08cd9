/** The roles of `aurora serve`. Each is imported only when it is the one that runs, so a process holds its own code alone. */
import { AuroraError } from '@aurorasoc/kit/errors';

const ROLES = {
  gateway: async () => (await import('@aurorasoc/gateway')).runGateway,
  alerts: async () => (await import('@aurorasoc/alerts')).runAlerts,
  agents: async () => (await import('@aurorasoc/agents')).runAgents,
  fleet: async () => (await import('@aurorasoc/agents/fleet')).runFleet,
  ingest: async () => (await import('@aurorasoc/ingest')).runIngest,
} as const satisfies Record<string, () => Promise<() => Promise<void>>>;

export type RoleName = keyof typeof ROLES;
export const ROLE_NAMES = Object.keys(ROLES) as RoleName[];

/** @returns what runs the role until the process is told to end. @throws AuroraError `UNKNOWN_ROLE` listing the roles. */
export function loadRole(name: string): Promise<() => Promise<void>> {
  if (isRoleName(name)) return ROLES[name]();
  throw new AuroraError({
    code: 'UNKNOWN_ROLE',
    field: '--role',
    publicMessage: `There is no role "${name}"; roles are ${ROLE_NAMES.join(', ')}`,
  });
}

function isRoleName(name: string): name is RoleName {
  return Object.hasOwn(ROLES, name);
}
