import type { Variables } from '../environment.js';
import { DOMAIN_NAMES, domainVariable } from './domains.js';
import type { RoleDefinition, SiteFacts } from './role-table.js';

/**
 * Variables that a role must not inherit: they mean something else to it (each role has a port of its own), or hold what is
 * none of its business (the database administrator's password, the person's token).
 */
const NOT_INHERITED = new Set<string>([
  'PORT',
  'HOST',
  'DATABASE_URL',
  ...DOMAIN_NAMES.map((domain) => domainVariable(domain, 'DATABASE_URL')),
  'REDIS_URL',
  'MQTT_URL',
  'AURORA_TOKEN',
  'AURORA_URL',
]);

/** The whole environment of one role's process: what the person set, what the table gives, and the tie to the supervisor. */
export function roleEnvironment(role: RoleDefinition, site: SiteFacts, inherited: Variables): Record<string, string> {
  const kept = Object.entries(inherited).flatMap(([name, value]) =>
    value === undefined || NOT_INHERITED.has(name) || name.startsWith('npm_') ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(kept), ...role.environment(site), AURORA_SUPERVISED: '1' };
}

/** The URL without its login. */
export function withoutLogin(url: string): string {
  const stripped = new URL(url);
  stripped.username = '';
  stripped.password = '';
  return stripped.href;
}
