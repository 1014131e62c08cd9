/**
 * Every variable that a site and its roles read, looked at before anything is started: a role that refuses its own would
 * say so only once the services run and the others wait for it.
 */
import { AuroraError } from '@aurorasoc/kit/errors';
import { TENANTS } from '@aurorasoc/kit/tenants';
import { readSiteEnvironment, type Variables } from '../environment.js';
import { siteHome } from '../home/site-home.js';
import { DOMAIN_NAMES, DOMAINS, type EnvironmentReader, perDomain } from './domains.js';
import { roleEnvironment } from './role-environment.js';
import { type RoleDefinition, type SiteFacts, siteRoles } from './role-table.js';

/** Readers of the roles that are no domain's. */
const OTHERS: Readonly<Record<string, () => Promise<EnvironmentReader>>> = {
  gateway: async () => (await import('@aurorasoc/gateway/environment')).readEnvironment,
  fleet: async () => (await import('@aurorasoc/agents/fleet/environment')).readFleetEnvironment,
  ingest: async () => {
    const [{ ingestVariables }, { parseEnvironment }] = await Promise.all([
      import('@aurorasoc/ingest/environment'),
      import('@aurorasoc/kit/environment'),
    ]);
    return (source) => parseEnvironment(ingestVariables, source);
  },
};

/** @throws AuroraError `CONFIGURATION_INVALID` with one line per bad variable, whoever reads it. */
export async function checkAllVariables(variables: Variables): Promise<void> {
  const site = problemsOf(() => readSiteEnvironment(variables));
  const roles = await Promise.all(siteRoles(0).map((role) => checkRole(role, variables)));
  // What many roles read is told once.
  const problems = [...new Set([...site, ...roles.flat()])];
  if (problems.length > 0) throw new AuroraError({ code: 'CONFIGURATION_INVALID', publicMessage: problems.join('\n') });
}

async function checkRole(role: RoleDefinition, variables: Variables): Promise<readonly string[]> {
  const read = await loadReader(role.name);
  return problemsOf(() => read(roleEnvironment(role, PROVISIONAL_FACTS, variables)));
}

/** Gives the reader of a role's variables, without the role's code. @param role - of those that are no domain's workers alone. */
export function loadReader(role: string): Promise<EnvironmentReader> {
  const domain = DOMAIN_NAMES.find((name) => name === role);
  const load = domain === undefined ? OTHERS[role] : DOMAINS[domain].loadReader;
  if (load === undefined) throw new Error(`Nobody knows which variables the role ${role} reads`);
  return load();
}

/** Passes for what the supervisor will give to roles, so that only what the person set can be found wanting. */
const EXISTING_FILE = process.execPath;
const KEY_PAIR = { privateKey: EXISTING_FILE, publicKey: EXISTING_FILE };
const PROVISIONAL_FACTS: SiteFacts = {
  home: { ...siteHome('.'), apiKeysFile: EXISTING_FILE },
  keys: { secretFile: EXISTING_FILE, gateway: KEY_PAIR, agents: KEY_PAIR, site: KEY_PAIR },
  secretFile: EXISTING_FILE,
  host: '127.0.0.1',
  portsMode: 'fixed',
  ports: Object.fromEntries(siteRoles(0).map(({ name }) => [name, 0])),
  databaseUrls: perDomain(() => 'postgres://127.0.0.1/aurora'),
  redisUrl: 'redis://127.0.0.1',
  mqttUrl: undefined,
  syslogTenant: TENANTS.local,
};

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof AuroraError && error.code === 'CONFIGURATION_INVALID') return error.publicMessage.split('\n');
    throw error;
  }
}
