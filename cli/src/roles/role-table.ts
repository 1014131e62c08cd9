/**
 * The one table of what each role gets from its supervisor: ports and environment. A role reads nothing else of the site;
 * what is not listed here keeps the role's own default, or comes from the variables that the person set.
 */
import type { SiteHome } from '../home/site-home.js';
import type { SiteKeys } from '../home/site-keys.js';
import { DOMAIN_NAMES, type DomainName, type DomainVariable, domainVariable, perDomainVariable } from './domains.js';
import { type RoleName, type RoleOptions, workerRole } from './load-role.js';

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
  readonly databaseUrls: Readonly<Record<DomainName, string>>;
  readonly redisUrl: string;
  /** Undefined: no broker. */
  readonly mqttUrl: string | undefined;
  /** Whose events syslog's are. */
  readonly syslogTenant: string;
}

export type PortVariable = 'PORT' | 'INGEST_PORT' | 'INGEST_SYSLOG_PORT' | 'A2A_BASE_PORT' | DomainVariable<'PORT'>;

/** Ports that are planned together. */
export interface PortGroup {
  /** By which the plan knows its first port. */
  readonly name: string;
  /** Variable with which a person moves its first port, environment.ts has the default; absent: any free one. */
  readonly portVariable?: PortVariable;
  /** All ports, as distances from the first. */
  readonly portOffsets: readonly number[];
  /** Doors listen where the person says (`HOST`) and end first; everything else is on loopback. */
  readonly isDoor: boolean;
  /** Takes datagrams on the same ports, too. */
  readonly takesUdp?: boolean;
}

export interface RoleDefinition extends PortGroup {
  /** Of the process; replicas of a worker role have a number behind it. */
  readonly name: string;
  /** What `aurora serve` is told. */
  readonly serve: RoleOptions & { readonly role: RoleName };
  /** Ports beside its own that a person moves or turns off by themselves. */
  readonly morePorts?: readonly PortGroup[];
  /** Where `/healthz` and `/readyz` are. */
  readonly healthOffset: number;
  /** Needs a broker. */
  readonly speaksMqtt?: boolean;
  readonly environment: (site: SiteFacts) => Readonly<Record<string, string>>;
}

/** By which the plan knows the port of syslog. */
export const SYSLOG_PORT = 'ingest-syslog';

export const LOOPBACK = '127.0.0.1';
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

/** Every group of ports that the roles bind. */
export function portGroups(roles: readonly RoleDefinition[]): readonly PortGroup[] {
  return roles.flatMap((role) => [role, ...(role.morePorts ?? [])]);
}

/**
 * Every process of a site.
 * @param workerReplicas - processes of each domain's workers; 0: they run inside of the domain's own process.
 */
export function siteRoles(workerReplicas: number): readonly RoleDefinition[] {
  const workers = workerReplicas === 0 ? 'on' : 'off';
  const replicas = Array.from({ length: workerReplicas }, (_, index) => index + 1);
  const roles: readonly RoleDefinition[] = [
    ...DOMAIN_NAMES.map((domain) => domainRole(domain, workers, () => roles)),
    ...DOMAIN_NAMES.flatMap((domain) => replicas.map((replica) => workerReplica(domain, replica, () => roles))),
    ...OTHER_ROLES,
  ];
  return roles;
}

const OTHER_ROLES: readonly RoleDefinition[] = [
  {
    name: 'fleet',
    serve: { role: 'fleet', workers: 'on' },
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
    serve: { role: 'ingest', workers: 'on' },
    portVariable: 'INGEST_PORT',
    portOffsets: [0],
    morePorts: [
      { name: SYSLOG_PORT, portVariable: 'INGEST_SYSLOG_PORT', portOffsets: [0], isDoor: true, takesUdp: true },
    ],
    healthOffset: 0,
    isDoor: true,
    speaksMqtt: true,
    environment: (site) => ({
      HOST: site.host,
      INGEST_PORT: String(site.ports.ingest),
      INGEST_SYSLOG_PORT: String(site.ports[SYSLOG_PORT] ?? 'off'),
      INGEST_SYSLOG_TENANT: site.syslogTenant,
      INGEST_SPOOL_DIR: site.home.spoolDir,
      REDIS_URL: site.redisUrl,
      AURORA_API_KEYS_FILE: site.home.apiKeysFile,
      ...(site.mqttUrl === undefined ? {} : { MQTT_URL: site.mqttUrl }),
    }),
  },
  {
    name: 'gateway',
    serve: { role: 'gateway', workers: 'on' },
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
      ...perDomainVariable('SUBGRAPH_URL', (domain) => `http://${LOOPBACK}:${site.ports[domain]}/graphql`),
    }),
  },
];

/** Every process of the site, for the one that shows how they are. */
type AllRoles = () => readonly RoleDefinition[];

/** What a domain's process gets beside what all of them get. */
const DOMAIN_EXTRAS: Readonly<
  Partial<Record<DomainName, (site: SiteFacts, name: string, roles: AllRoles) => Readonly<Record<string, string>>>>
> = {
  agents: (site, name) => ({
    ...agentAddresses(site),
    AGENTS_PRIVATE_KEY_FILE: site.keys.agents.privateKey,
    // For scrapers that know it by its fixed number, which one process can hold; each has the same on its health port.
    ...(site.portsMode === 'auto' || name !== 'agents' ? { AGENT_TASK_WORKER_METRICS_PORT: '0' } : {}),
  }),
  federation: (site, _name, roles) => ({
    SITE_PRIVATE_KEY_FILE: site.keys.site.privateKey,
    SITE_DOMAINS: DOMAIN_NAMES.join(','),
    SITE_HEALTH_URLS: roles()
      .map((role) => `${role.name}=${healthUrlOf(role, site.host, site.ports[role.name] ?? 0)}`)
      .join(','),
  }),
};

function domainRole(domain: DomainName, workers: 'on' | 'off', roles: AllRoles): RoleDefinition {
  return {
    name: domain,
    serve: { role: domain, workers },
    portVariable: domainVariable(domain, 'PORT'),
    portOffsets: [0, HEALTH_OFFSET],
    healthOffset: HEALTH_OFFSET,
    isDoor: false,
    environment: (site) => domainEnvironment(site, domain, domain, roles),
  };
}

function workerReplica(domain: DomainName, replica: number, roles: AllRoles): RoleDefinition {
  const role = workerRole(domain);
  const name = `${role}-${replica}`;
  return {
    name,
    serve: { role, workers: 'on' },
    portOffsets: [HEALTH_OFFSET],
    healthOffset: HEALTH_OFFSET,
    isDoor: false,
    environment: (site) => domainEnvironment(site, domain, name, roles),
  };
}

/** @param name - of the process, by which its port is known and it is told from its replicas. */
function domainEnvironment(site: SiteFacts, domain: DomainName, name: string, roles: AllRoles): Record<string, string> {
  return {
    ...DOMAIN_EXTRAS[domain]?.(site, name, roles),
    HOST: LOOPBACK,
    PORT: String(site.ports[name]),
    AURORA_REPLICA: name,
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
