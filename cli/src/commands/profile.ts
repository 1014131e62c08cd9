/**
 * Which site a command talks to, and as whom: options first, a profile that they name among them, then the environment, then
 * the profile that is meant when none is named.
 */
import { AuroraError } from '@aurorasoc/kit/errors';
import { nameTenant } from '@aurorasoc/kit/tenants';
import { createClient, type GraphClient } from '../client/index.js';
import { readClientEnvironment } from '../environment.js';
import { type Profile, readProfiles } from '../home/credentials.js';
import { siteHome } from '../home/site-home.js';

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

const NOTHING = { AURORA_URL: undefined, AURORA_INGEST_URL: undefined, AURORA_TOKEN: undefined };

/** @throws AuroraError `NO_CREDENTIALS` saying what is missing and where it could come from. */
export function resolveConnection(target: SiteTarget): Connection {
  const environment = readClientEnvironment();
  const file = siteHome(environment.AURORA_HOME).credentialsFile;
  const name = target.sample ? 'sample' : (target.profile ?? environment.AURORA_PROFILE);
  const profiles = readProfiles(file);
  const profile = profiles[name];
  // What was named counts, also where it does not exist: events that are invented must not get into the tenant of a token that
  // the shell happens to hold.
  const isNamed = target.sample || target.profile !== undefined;
  const { AURORA_URL, AURORA_INGEST_URL, AURORA_TOKEN } = isNamed ? NOTHING : environment;
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
    url: require(target.url ?? AURORA_URL ?? profile?.url, 'gateway (--url, AURORA_URL)'),
    ingestUrl: require(target.ingestUrl ??
      AURORA_INGEST_URL ??
      profile?.ingestUrl ??
      target.url ??
      AURORA_URL, 'ingest (--ingest-url, AURORA_INGEST_URL)'),
    token: require(target.token ?? AURORA_TOKEN ?? profile?.token, 'token (--token, AURORA_TOKEN)'),
    identity:
      (target.token ?? AURORA_TOKEN)
        ? `the tenant of the token in ${target.token === undefined ? 'AURORA_TOKEN' : '--token'}`
        : `tenant ${nameTenant(profile?.tenant ?? '')} (profile "${name}")`,
  };
}

export function connectTo(target: SiteTarget): GraphClient {
  const { url, token } = resolveConnection(target);
  return createClient({ url, token });
}
