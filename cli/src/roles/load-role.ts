/**
 * The roles of `aurora serve`. Each is imported only when it is the one that runs, so a process holds its own code alone.
 * A domain's role holds its subgraph and its workers; `<domain>-worker` only the latter, in as many replicas as are wanted.
 * `fleet` holds all agents, `agent:<name>` one of them alone.
 */
import { AuroraError } from '@aurorasoc/kit/errors';
import { DOMAIN_NAMES, DOMAINS, type DomainName } from './domains.js';

const OTHERS = {
  gateway: async () => (await import('@aurorasoc/gateway')).runGateway,
  fleet: async () => (await import('@aurorasoc/agents/fleet')).runFleet,
  ingest: async () => (await import('@aurorasoc/ingest')).runIngest,
} as const satisfies Record<string, () => Promise<() => Promise<void>>>;

const AGENT_PREFIX = 'agent:';

export type WorkerRole = `${DomainName}-worker`;
export type RoleName = DomainName | WorkerRole | keyof typeof OTHERS;

export function workerRole(domain: DomainName): WorkerRole {
  return `${domain}-worker`;
}

export const ROLE_NAMES: readonly RoleName[] = [
  ...(Object.keys(OTHERS) as (keyof typeof OTHERS)[]),
  ...DOMAIN_NAMES,
  ...DOMAIN_NAMES.map(workerRole),
];

export interface RoleOptions {
  /** `off` leaves a domain's workers to replicas of `<domain>-worker`. */
  readonly workers: 'on' | 'off';
}

/**
 * @returns what runs the role until the process is told to end.
 * @throws AuroraError `UNKNOWN_ROLE` listing the roles; `BAD_USER_INPUT` when a role without workers is to have none.
 */
export async function loadRole(name: string, { workers }: RoleOptions): Promise<() => Promise<void>> {
  const domain = DOMAIN_NAMES.find((candidate) => name === candidate || name === workerRole(candidate));
  const isSubgraph = domain === name;
  if (workers === 'off' && !isSubgraph) {
    throw new AuroraError({
      code: 'BAD_USER_INPUT',
      field: '--workers',
      publicMessage: `Only a domain's role can be without workers: ${DOMAIN_NAMES.join(', ')}`,
    });
  }
  if (domain !== undefined) {
    const run = await DOMAINS[domain].loadProgram();
    return () => run(isSubgraph ? (workers === 'off' ? 'subgraph' : 'all') : 'workers');
  }
  if (Object.hasOwn(OTHERS, name)) return OTHERS[name as keyof typeof OTHERS]();
  const agent = name.startsWith(AGENT_PREFIX) ? await loadAgent(name.slice(AGENT_PREFIX.length)) : undefined;
  if (agent !== undefined) return agent;
  throw new AuroraError({
    code: 'UNKNOWN_ROLE',
    field: '--role',
    publicMessage: `There is no role "${name}"; roles are ${ROLE_NAMES.join(', ')}, and ${AGENT_PREFIX}<name> for one agent alone`,
  });
}

/** @returns undefined where there is no such agent. */
async function loadAgent(name: string): Promise<(() => Promise<void>) | undefined> {
  const { AGENT_NAMES, runFleet } = await import('@aurorasoc/agents/fleet');
  const agent = AGENT_NAMES.find((known) => known === name);
  return agent && (() => runFleet({ agents: [agent] }));
}
