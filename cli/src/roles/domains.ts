/** The domains of a site. A line here makes one known to the supervisor, to `serve` and `migrate`, and to the environment. */

import type { DomainMigrations } from '@aurorasoc/kit/database';
import type { DomainProgram } from '@aurorasoc/kit/domain';

/** Parses a role's environment. @throws AuroraError `CONFIGURATION_INVALID` with one line per bad variable. */
export type EnvironmentReader = (source: Readonly<Record<string, string | undefined>>) => unknown;

interface DomainEntry {
  /** Port of the subgraph unless a person moves it; health is 100 higher. */
  readonly port: number;
  readonly loadProgram: () => Promise<DomainProgram>;
  /** Gives the reader of its process' variables, without its code. */
  readonly loadReader: () => Promise<EnvironmentReader>;
  readonly loadMigrations: () => Promise<DomainMigrations>;
}

export const DOMAINS = {
  alerts: {
    port: 4001,
    loadProgram: async () => (await import('@aurorasoc/alerts')).runAlerts,
    loadReader: async () => (await import('@aurorasoc/alerts/environment')).readAlertsEnvironment,
    loadMigrations: async () => (await import('@aurorasoc/alerts/migrations')).migrations,
  },
  agents: {
    port: 4002,
    loadProgram: async () => (await import('@aurorasoc/agents')).runAgents,
    loadReader: async () => (await import('@aurorasoc/agents/environment')).readAgentsEnvironment,
    loadMigrations: async () => (await import('@aurorasoc/agents/migrations')).migrations,
  },
  memory: {
    port: 4003,
    loadProgram: async () => (await import('@aurorasoc/memory')).runMemory,
    loadReader: async () => (await import('@aurorasoc/memory/environment')).readMemoryEnvironment,
    loadMigrations: async () => (await import('@aurorasoc/memory/migrations')).migrations,
  },
  playbooks: {
    port: 4004,
    loadProgram: async () => (await import('@aurorasoc/playbooks')).runPlaybooks,
    loadReader: async () => (await import('@aurorasoc/playbooks/environment')).readPlaybooksEnvironment,
    loadMigrations: async () => (await import('@aurorasoc/playbooks/migrations')).migrations,
  },
  devices: {
    port: 4005,
    loadProgram: async () => (await import('@aurorasoc/devices')).runDevices,
    loadReader: async () => (await import('@aurorasoc/devices/environment')).readDevicesEnvironment,
    loadMigrations: async () => (await import('@aurorasoc/devices/migrations')).migrations,
  },
  federation: {
    port: 4006,
    loadProgram: async () => (await import('@aurorasoc/federation')).runFederation,
    loadReader: async () => (await import('@aurorasoc/federation/environment')).readFederationEnvironment,
    loadMigrations: async () => (await import('@aurorasoc/federation/migrations')).migrations,
  },
} as const satisfies Readonly<Record<string, DomainEntry>>;

export type DomainName = keyof typeof DOMAINS;
export const DOMAIN_NAMES = Object.keys(DOMAINS) as DomainName[];

/** A variable of its own for each domain, such as `ALERTS_PORT`. */
export type DomainVariable<S extends string> = `${Uppercase<DomainName>}_${S}`;

export function domainVariable<S extends string>(domain: DomainName, suffix: S): DomainVariable<S> {
  return `${domain.toUpperCase() as Uppercase<DomainName>}_${suffix}`;
}

/** One value per domain, by the domain's name. */
export function perDomain<T>(toValue: (domain: DomainName) => T): Readonly<Record<DomainName, T>> {
  return Object.fromEntries(DOMAIN_NAMES.map((domain) => [domain, toValue(domain)])) as Record<DomainName, T>;
}

/** One value per domain, by the name of the domain's variable. */
export function perDomainVariable<S extends string, T>(
  suffix: S,
  toValue: (domain: DomainName) => T,
): Readonly<Record<DomainVariable<S>, T>> {
  return Object.fromEntries(
    DOMAIN_NAMES.map((domain) => [domainVariable(domain, suffix), toValue(domain)]),
  ) as unknown as Record<DomainVariable<S>, T>;
}
