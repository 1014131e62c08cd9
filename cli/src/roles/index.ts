/** Which roles there are and what each reads, for whatever describes a site without starting it. */
export { loadReader } from './check-all-variables.js';
export { DOMAIN_NAMES, type DomainName, type EnvironmentReader } from './domains.js';
export { ROLE_NAMES } from './load-role.js';
export { type RoleDefinition, type SiteFacts, siteRoles } from './role-table.js';
