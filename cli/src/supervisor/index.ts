/** Starts and holds a whole site; see cli/README.md, "In tests". */
export type { Profile } from '../home/credentials.js';
export { type SiteHome, siteHome } from '../home/site-home.js';
export { DOMAIN_NAMES } from '../roles/domains.js';
export { type ProfileName, TENANTS } from '../tenants.js';
export type { Site } from './site.js';
export { type SiteOptions, startSite } from './start-site.js';
