/** The running site that the tests of `src/site/` share. Each file has tenants of its own on it, and leaves it whole. */
import { readFileSync } from 'node:fs';
import { createClient, type GraphClient } from '@aurorasoc/cli/client';
import { readSiteState, type SiteState, siteHome } from '@aurorasoc/cli/supervisor';
import { newId } from '@aurorasoc/kit/ids';
import { inject } from 'vitest';
import { createToken } from './public-doors.js';
import type { SiteDoors } from './site.js';

export interface SharedSite extends SiteDoors {
  /** An administrator of another tenant, in which nothing has happened. */
  readonly stranger: GraphClient;
  /** Of a domain, with a superuser's login. */
  databaseUrl(domain: string): string;
  /** What the supervisor says of its processes now. */
  state(): SiteState;
}

/** @returns the site, as a tenant sees it that is made for the caller. */
export async function joinSite(): Promise<SharedSite> {
  const files = siteHome(inject('sharedHome'));
  const state = (): SiteState => {
    const found = readSiteState(files.stateFile);
    if (!found) throw new Error('the shared site does not run');
    return found;
  };
  const { urls } = state();
  const tenant = newId();
  const databases = inject('sharedDatabases');
  const home = { cliEnvironment: { AURORA_HOME: files.root, ...databases } };
  const [token, foreign] = await Promise.all([
    createToken({ ...home, tenant }, 'admin', 'tester'),
    createToken({ ...home, tenant: newId() }, 'admin', 'stranger'),
  ]);
  const services = JSON.parse(readFileSync(files.serviceUrlsFile, 'utf8')) as Record<string, string>;
  return {
    home: files.root,
    urls,
    tenant,
    token,
    client: createClient({ url: urls.gateway, token }),
    stranger: createClient({ url: urls.gateway, token: foreign }),
    cliEnvironment: { ...home.cliEnvironment, AURORA_TOKEN: token },
    serviceUrl: (name) => services[name] ?? '',
    databaseUrl: (domain) => databases[`${domain.toUpperCase()}_DATABASE_URL`] ?? services.postgres ?? '',
    state,
  };
}
