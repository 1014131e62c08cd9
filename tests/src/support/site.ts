/** A whole site in a scratch folder, on free ports, with tokens at hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type GraphClient } from '@aurorasoc/cli/client';
import { type Site, startSite } from '@aurorasoc/cli/supervisor';
import { basicVariables, serviceSource } from './environment.js';

export interface RunningSite {
  readonly site: Site;
  readonly home: string;
  readonly token: string;
  readonly client: GraphClient;
  /** Points the CLI at this site, by the public variables. */
  readonly cliEnvironment: Readonly<Record<string, string>>;
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
  const { token } = site.profiles.local;
  return {
    site,
    home,
    token,
    client: createClient({ url: site.urls.gateway, token }),
    cliEnvironment: { AURORA_HOME: home },
    stop: async () => {
      await site.stop();
      if (options.home === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
}
