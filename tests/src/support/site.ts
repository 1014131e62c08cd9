/** A whole site in a scratch folder, on free ports, with tokens at hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type GraphClient } from '@aurorasoc/cli/client';
import { type Site, startSite } from '@aurorasoc/cli/supervisor';
import { basicVariables, serviceSource } from './environment.js';

/** A running site as one of its tenants sees it. */
export interface SiteDoors {
  readonly home: string;
  readonly urls: Site['urls'];
  readonly tenant: string;
  /** An administrator's of the tenant, as is the client. */
  readonly token: string;
  readonly client: GraphClient;
  /** Points the CLI at this site and tenant, by the public variables. */
  readonly cliEnvironment: Readonly<Record<string, string>>;
  /** With a superuser's login. */
  serviceUrl(name: 'postgres' | 'redis' | 'mosquitto'): string;
}

/** One that the test holds in its hands, with the tenants that `aurora up` makes. */
export interface RunningSite extends SiteDoors {
  readonly site: Site;
  stop(): Promise<void>;
}

export async function startTestSite(
  options: { env?: Readonly<Record<string, string>>; home?: string } = {},
): Promise<RunningSite> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'aurora-site-'));
  const variables = {
    ...basicVariables(),
    AURORA_SERVICES: serviceSource(),
    ...options.env,
  };
  const site = await startSite({ home, variables, ports: 'auto', durable: false });
  const { token, tenant } = site.profiles.local;
  return {
    site,
    home,
    urls: site.urls,
    tenant,
    token,
    client: createClient({ url: site.urls.gateway, token }),
    cliEnvironment: { AURORA_HOME: home },
    serviceUrl: (name) => site.serviceUrl(name),
    stop: async () => {
      await site.stop();
      if (options.home === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
}
