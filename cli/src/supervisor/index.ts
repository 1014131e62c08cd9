/** Starts and holds a whole site; see cli/README.md, "In tests". */

export { type ProfileName, TENANTS } from '@aurorasoc/kit/tenants';
export type { Profile } from '../home/credentials.js';
export { type SiteHome, siteHome } from '../home/site-home.js';
export { type RoleState, readSiteState, type SiteState } from '../home/site-state.js';
export type { Site } from './site.js';
export { type SiteOptions, startSite } from './start-site.js';
