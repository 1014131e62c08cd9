/** Which site a command talks to, and as whom: options first, then the environment, then credentials.json. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { createClient, type GraphClient } from '../client/index.js';
import { readClientEnvironment } from '../environment.js';
import { type Profile, readProfiles } from '../home/credentials.js';
import { siteHome } from '../home/site-home.js';
import { nameTenant } from '../tenants.js';

/** The options that every command on a site has. */
export interface SiteTarget {
  readonly profile?: string;
  readonly url?: string;
  readonly ingestUrl?: string;
  readonly token?: string;
  /** The same as the profile `sample`. */
  readonly sample?: boolean;
}

export interface Connection extends Readonly<Pick<Profile, 'url' | 'ingestUrl' | 'token'>> {
  /** Whose data are seen, for people: the tenant follows from the token alone. */
  readonly identity: string;
}

/** @throws AuroraError `NO_CREDENTIALS` saying what is missing and where it could come from. */
export function resolveConnection(target: SiteTarget): Connection {
  const environment = readClientEnvironment();
  const file = siteHome(environment.AURORA_HOME).credentialsFile;
  const name = target.sample ? 'sample' : (target.profile ?? environment.AURORA_PROFILE);
  const profiles = readProfiles(file);
  const profile = profiles[name];
  const require = (value: string | undefined, what: string): string => {
    if (value !== undefined) return value;
    const known = Object.keys(profiles);
    const reason =
      known.length === 0
        ? `there is no ${file}; start a site with "npm start"`
        : `${file} has the profiles ${known.join(', ')}, not "${name}"`;
    throw new AuroraError({ code: 'NO_CREDENTIALS', publicMessage: `No ${what}: ${reason}` });
  };
  return {
    url: require(target.url ?? environment.AURORA_URL ?? profile?.url, 'gateway (--url, AURORA_URL)'),
    ingestUrl: require(target.ingestUrl ??
      environment.AURORA_INGEST_URL ??
      profile?.ingestUrl ??
      target.url ??
      environment.AURORA_URL, 'ingest (--ingest-url, AURORA_INGEST_URL)'),
    token: require(target.token ?? environment.AURORA_TOKEN ?? profile?.token, 'token (--token, AURORA_TOKEN)'),
    identity:
      (target.token ?? environment.AURORA_TOKEN)
        ? `the tenant of the token in ${target.token === undefined ? 'AURORA_TOKEN' : '--token'}`
        : `tenant ${nameTenant(profile?.tenant ?? '')} (profile "${name}")`,
  };
}

export function connectTo(target: SiteTarget): GraphClient {
  const { url, token } = resolveConnection(target);
  return createClient({ url, token });
}
