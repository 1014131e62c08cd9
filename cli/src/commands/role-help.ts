/** What the roles of API keys may do, in words, from the table that the rights are checked by. */
import { ROLE_SCOPES, ROLES, type Role, type Scope } from '@aurorasoc/kit/auth';
import { formatTable } from '../terminal/format-table.js';

/** Scopes beyond reading; `agents:delegate` belongs to running investigations and to no role. */
const WORDS: Readonly<Record<Exclude<Scope, `${string}:read`>, string>> = {
  'events:write': 'send events',
  'alerts:write': 'change alerts',
  'rules:write': 'import rules',
  'agents:run': 'start and cancel investigations',
  'agents:delegate': 'delegate tasks',
  'site:operate': 'replay dead letters',
  'memory:write': 'change memory',
  'playbooks:write': 'save and activate playbooks',
  'devices:write': 'enrol and quarantine devices',
  'site:administer': 'erase any tenant',
};

/** For example `read everything, change alerts`. */
export function describeRole(role: Role): string {
  const scopes: readonly Scope[] = ROLE_SCOPES[role];
  const reading = scopes.includes('events:read') ? 'read everything' : 'read how the site is';
  const isWord = (scope: Scope): scope is keyof typeof WORDS => scope in WORDS;
  return [reading, ...scopes.filter(isWord).map((scope) => WORDS[scope])].join(', ');
}

/** One line per role. */
export function describeRoles(): string {
  return ['What each role may do:', ...formatTable(ROLES.map((role) => [`  ${role}`, describeRole(role)]))].join('\n');
}
