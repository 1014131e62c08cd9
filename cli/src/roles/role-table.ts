/**
 * The one table of what each role gets from its supervisor: ports and environment. A role reads nothing else of the site;
 * what is not listed here keeps the role's own default, or comes from the variables that the person set.
 */
import type { SiteHome } from '../home/site-home.js';
import type { SiteKeys } from '../home/site-keys.js';
import type { RoleName } from './load-role.js';

/** What the environments are built from. */
export interface SiteFacts {
  readonly home: SiteHome;
  readonly keys: SiteKeys;
  readonly secretFile: string;
  /** Where gateway and ingest listen. */
  readonly host: string;
  /** `auto`: every port is a free one, also those that no plan knows. */
  readonly portsMode: 'fixed' | 'auto';
  /** First port of each role. */
  readonly ports: Readonly<Record<string, number>>;
  /** Without a login: each process logs in under a name of its own. */
  readonly databaseUrls: Readonly<Record<'alerts' | 'agents', string>>;
  readonly redisUrl: string;
}

export type PortVariable = 'PORT' | 'INGEST_PORT' | 'ALERTS_PORT' | 'AGENTS_PORT' | 'A2A_BASE_PORT';

export interface RoleDefinition {
  readonly name: string;
  /** Variable with which a person moves its first port; environment.ts has the default. */
  readonly portVariable: PortVariable;
  /** All ports it binds, as distances from its first. */
  readonly portOffsets: readonly number[];
  /** Where `/healthz` and `/readyz` are. */
  readonly healthOffset: number;
  /** Doors listen where the person says (`HOST`) and end first; everything else is on loopback. */
  readonly isDoor: boolean;
  readonly environment: (site: SiteFacts) => Readonly<Record<string, string>>;
}

const LOOPBACK = '127.0.0.1';
const HEALTH_OFFSET = 100;
/** The orchestrator and, behind it, one port per specialist. */
const FLEET_PORTS = [0, 1];

/** Where a process that listens on `host` can be reached from this machine, ready to stand in a URL. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return LOOPBACK;
  return host.includes(':') ? `[${host}]` : host;
}

/** Base URL under which a role tells its health. */
export function healthUrlOf(role: RoleDefinition, host: string, firstPort: number): string {
  return `http://${role.isDoor ? reachableHost(host) : LOOPBACK}:${firstPort + role.healthOffset}`;
}

/** Every role of a site. */
export const ROLE_TABLE: readonly (RoleDefinition & { readonly name: RoleName })[] = [
  {
    name: 'alerts',
    portVariable: 'ALERTS_PORT',
    portOffsets: [0, HEALTH_OFFSET],
    healthOffset: HEALTH_OFFSET,
    isDoor: false,
    environment: (site) => domainEnvironment(site, 'alerts'),
  },
  {
    name: 'agents',
    portVariable: 'AGENTS_PORT',
    portOffsets: [0, HEALTH_OFFSET],
    healthOffset: HEALTH_OFFSET,
    isDoor: false,
    environment: (site) => ({
      ...domainEnvironment(site, 'agents'),
      ...agentAddresses(site),
      AGENTS_PRIVATE_KEY_FILE: site.keys.agents.privateKey,
      // The same metrics are on the health port; this one is for scrapers that know it by its fixed number.
      ...(site.portsMode === 'auto' ? { AGENT_TASK_WORKER_METRICS_PORT: '0' } : {}),
    }),
  },
  {
    name: 'fleet',
    portVariable: 'A2A_BASE_PORT',
    portOffsets: [...FLEET_PORTS, HEALTH_OFFSET],
    healthOffset: HEALTH_OFFSET,
    isDoor: false,
    environment: (site) => ({
      ...agentAddresses(site),
      REDIS_URL: site.redisUrl,
      AGENTS_PUBLIC_KEY_FILE: site.keys.agents.publicKey,
    }),
  },
  {
    name: 'ingest',
    portVariable: 'INGEST_PORT',
    portOffsets: [0],
    healthOffset: 0,
    isDoor: true,
    environment: (site) => ({
      HOST: site.host,
      INGEST_PORT: String(site.ports.ingest),
      INGEST_SPOOL_DIR: site.home.spoolDir,
      REDIS_URL: site.redisUrl,
      AURORA_API_KEYS_FILE: site.home.apiKeysFile,
    }),
  },
  {
    name: 'gateway',
    portVariable: 'PORT',
    portOffsets: [0],
    healthOffset: 0,
    isDoor: true,
    environment: (site) => ({
      HOST: site.host,
      PORT: String(site.ports.gateway),
      AURORA_API_KEYS_FILE: site.home.apiKeysFile,
      GATEWAY_PRIVATE_KEY_FILE: site.keys.gateway.privateKey,
      AGENTS_PUBLIC_KEY_FILE: site.keys.agents.publicKey,
      ALERTS_SUBGRAPH_URL: subgraphUrl(site, 'alerts'),
      AGENTS_SUBGRAPH_URL: subgraphUrl(site, 'agents'),
    }),
  },
];

function domainEnvironment(site: SiteFacts, domain: 'alerts' | 'agents'): Record<string, string> {
  return {
    HOST: LOOPBACK,
    PORT: String(site.ports[domain]),
    DATABASE_URL: site.databaseUrls[domain],
    REDIS_URL: site.redisUrl,
    AURORA_SECRET_FILE: site.secretFile,
    GATEWAY_PUBLIC_KEY_FILE: site.keys.gateway.publicKey,
  };
}

function agentAddresses(site: SiteFacts): Record<string, string> {
  return {
    A2A_HOST: LOOPBACK,
    A2A_BASE_PORT: String(site.ports.fleet),
    GATEWAY_URL: `http://${reachableHost(site.host)}:${site.ports.gateway}`,
  };
}

function subgraphUrl(site: SiteFacts, domain: 'alerts' | 'agents'): string {
  return `http://${LOOPBACK}:${site.ports[domain]}/graphql`;
}
