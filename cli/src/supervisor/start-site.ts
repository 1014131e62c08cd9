/**
 * A whole site on this machine: services, keys, schemas, and every role as a process of its own. `aurora up` runs it in the
 * foreground; tests start it in their own process.
 */
import { existsSync } from 'node:fs';
import { currentVariables, readSiteEnvironment, type SiteEnvironment, type Variables } from '../environment.js';
import { prepareProfiles } from '../home/prepare-profiles.js';
import { type SiteHome, siteHome } from '../home/site-home.js';
import { prepareSiteKeys } from '../home/site-keys.js';
import { checkAllVariables } from '../roles/check-all-variables.js';
import { domainVariable, perDomain } from '../roles/domains.js';
import { withoutLogin } from '../roles/role-environment.js';
import { reachableHost, type SiteFacts, SYSLOG_PORT, siteRoles } from '../roles/role-table.js';
import { writeFileAtomically } from '../services/data-folder/write-file-atomically.js';
import type { ServiceName } from '../services/index.js';
import { throwIfInterrupted } from '../services/interruption.js';
import { findRecordedProcesses } from '../services/process/run-records.js';
import { type PortWishes, planPorts } from './plan-ports.js';
import { Site } from './site.js';
import { REAL_PARTS, type SiteParts } from './site-parts.js';
import { SiteServices } from './site-services.js';
import { StateFile } from './state-file.js';

export interface SiteOptions {
  /** Variables of the site and of its roles, by the names of README.md. @default those of this process */
  readonly variables?: Variables;
  /** @default AURORA_HOME */
  readonly home?: string;
  /** `auto`: free ports for everything. @default AURORA_PORTS */
  readonly ports?: 'fixed' | 'auto';
  /** False in tests: the embedded services do not wait for the disk. @default true */
  readonly durable?: boolean;
  /** Where fetched services are unpacked. @default `$XDG_CACHE_HOME/aurorasoc/services` */
  readonly cacheDir?: string;
  /** Gets one line per thing worth telling a person. @default tells nobody */
  readonly log?: (line: string) => void;
  /** Interrupts the start; what was started is stopped again. */
  readonly signal?: AbortSignal;
  /** For tests of the supervisor itself. */
  readonly parts?: Partial<SiteParts>;
}

/**
 * Starts everything and resolves when every role is ready.
 *
 * @throws AuroraError with one clear line; nothing is left running then. `CONFIGURATION_INVALID`, `PORT_TAKEN`,
 *   `ROLE_NOT_READY`, `SERVICE_UNAVAILABLE`, `MIGRATION_FAILED`, `INTERRUPTED`, and the codes of `ServiceError`.
 */
export async function startSite(options: SiteOptions = {}): Promise<Site> {
  const { variables = currentVariables(), log = () => undefined, signal } = options;
  await checkAllVariables(variables);
  const environment = readSiteEnvironment(variables);
  const home = siteHome(options.home ?? environment.AURORA_HOME);
  const parts: SiteParts = {
    ...REAL_PARTS,
    roles: siteRoles(environment.AURORA_WORKER_REPLICAS),
    ...options.parts,
  };
  const wishes: PortWishes = {
    mode: options.ports ?? environment.AURORA_PORTS,
    wanted: environment,
    host: environment.HOST,
    file: home.rolePortsFile,
  };
  await checkPortsEarly(parts, wishes, home);

  const stateFile = new StateFile(home.stateFile, log);
  const names = servicesOf(parts, environment);
  const services = await startSiteServices(options, environment, home, names, log, stateFile);
  let site: Site | undefined;
  try {
    throwIfInterrupted(signal);
    const isFirstStart = !existsSync(home.credentialsFile);
    const facts = await collectFacts(parts, wishes, environment, home, services, names);
    throwIfInterrupted(signal);
    await parts.prepareStorage(storageOf(environment, services, facts), log);
    throwIfInterrupted(signal);
    const base = (role: 'gateway' | 'ingest') => `http://${reachableHost(facts.host)}:${facts.ports[role]}`;
    const syslogPort = facts.ports[SYSLOG_PORT];
    const urls = {
      gateway: base('gateway'),
      ingest: base('ingest'),
      ...(syslogPort === undefined ? {} : { syslog: `tcp://${reachableHost(facts.host)}:${syslogPort}` }),
    };
    const profiles = await prepareProfiles(home, { url: urls.gateway, ingestUrl: urls.ingest });
    const hangMs = environment.AURORA_HANG_SECONDS * 1000;
    site = new Site({ home, urls, profiles, isFirstStart, facts, parts, variables, services, stateFile, hangMs, log });
    await site.startRoles(environment.AURORA_START_TIMEOUT_SECONDS * 1000, signal);
    return site;
  } catch (error) {
    await (site ?? services).stop();
    throw error;
  }
}

/**
 * Looks at the ports before the services are started, so that the answer comes at once. What an earlier run left behind may
 * still hold them and is ended later, by whoever gets the folder's lock; then only the later look counts.
 */
async function checkPortsEarly(parts: SiteParts, wishes: PortWishes, home: SiteHome): Promise<void> {
  if (wishes.mode === 'fixed' && findRecordedProcesses(home.runDir).length === 0) await planPorts(parts.roles, wishes);
}

/** A broker only where a role speaks MQTT and nobody has turned it off. */
function servicesOf(parts: SiteParts, { MQTT_URL }: SiteEnvironment): readonly ServiceName[] {
  const isBrokerNeeded = MQTT_URL !== 'off' && parts.roles.some(({ speaksMqtt }) => speaksMqtt);
  return ['postgres', 'redis', ...(isBrokerNeeded ? (['mosquitto'] as const) : [])];
}

function startSiteServices(
  options: SiteOptions,
  environment: SiteEnvironment,
  home: SiteHome,
  names: readonly ServiceName[],
  log: (line: string) => void,
  stateFile: StateFile,
): Promise<SiteServices> {
  const { durable = true, cacheDir, signal } = options;
  const { DATABASE_URL, REDIS_URL, MQTT_URL } = environment;
  return SiteServices.start({
    dataDir: home.root,
    ...(cacheDir === undefined ? {} : { cacheDir }),
    source: environment.AURORA_SERVICES,
    durable,
    log,
    signal,
    names,
    external: {
      ...(DATABASE_URL === undefined ? {} : { postgres: DATABASE_URL }),
      ...(REDIS_URL === undefined ? {} : { redis: REDIS_URL }),
      ...(MQTT_URL === undefined ? {} : { mosquitto: MQTT_URL }),
    },
    onChange: () => stateFile.write(),
  });
}

async function collectFacts(
  parts: SiteParts,
  wishes: PortWishes,
  environment: SiteEnvironment,
  home: SiteHome,
  services: SiteServices,
  names: readonly ServiceName[],
): Promise<SiteFacts> {
  const keys = prepareSiteKeys(home);
  const postgres = services.url('postgres');
  const redis = services.url('redis');
  const mosquitto = names.includes('mosquitto') ? services.url('mosquitto') : undefined;
  writeFileAtomically(home.serviceUrlsFile, JSON.stringify({ postgres, redis, mosquitto }));
  return {
    home,
    keys,
    secretFile: environment.AURORA_SECRET_FILE ?? keys.secretFile,
    host: environment.HOST,
    portsMode: wishes.mode,
    ports: await planPorts(parts.roles, wishes),
    databaseUrls: perDomain((domain) => withoutLogin(environment[domainVariable(domain, 'DATABASE_URL')] ?? postgres)),
    redisUrl: redis,
    mqttUrl: mosquitto,
    syslogTenant: environment.INGEST_SYSLOG_TENANT,
  };
}

function storageOf(environment: SiteEnvironment, services: SiteServices, facts: SiteFacts) {
  const postgres = services.url('postgres');
  return {
    databaseUrls: perDomain((domain) => environment[domainVariable(domain, 'DATABASE_URL')] ?? postgres),
    redisUrl: facts.redisUrl,
    secretFile: facts.secretFile,
  };
}
