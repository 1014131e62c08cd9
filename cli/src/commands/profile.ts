/**
 * Which site a command talks to, and as whom: options first, a profile that they name among them, then the environment, then
 * the profile that is meant when none is named.
 */
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { nameTenant } from '@aurorasoc/kit/tenants';
import { createClient, type GraphClient } from '../client/index.js';
import { readClientEnvironment } from '../environment.js';
import { isReadableByOthers, type Profile, profileOf, readProfiles } from '../home/credentials.js';
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

/** What a command talks to: the gateway queries and subscribes, ingest takes events. */
export type Door = 'gateway' | 'ingest';

export interface Connection {
  /** Of the door that was asked for. */
  readonly url: string;
  readonly token: string;
  /** Whose data are seen, for people: the tenant follows from the token alone. */
  readonly identity: string;
  /** The file that the token is from, where others than its owner may read it. */
  readonly exposedFile?: string;
}

const NOTHING = { AURORA_URL: undefined, AURORA_INGEST_URL: undefined, AURORA_TOKEN: undefined };
const PLACES = {
  gateway: ['--url', 'AURORA_URL'],
  ingest: ['--ingest-url', 'AURORA_INGEST_URL'],
  token: ['--token', 'AURORA_TOKEN'],
} as const;

/**
 * @throws AuroraError `NO_CREDENTIALS` saying what is missing and where it could come from, or that the profile's token is not
 *   for the address that is named; `BAD_USER_INPUT` for a token that cannot be one.
 */
export function resolveConnection(target: SiteTarget, door: Door = 'gateway'): Connection {
  const environment = readClientEnvironment();
  const file = siteHome(environment.AURORA_HOME).credentialsFile;
  const name = target.sample ? 'sample' : (target.profile ?? environment.AURORA_PROFILE);
  const profiles = readProfiles(file);
  const profile = profileOf(profiles, name);
  // What was named counts, also where it does not exist: events that are invented must not get into the tenant of a token that
  // the shell happens to hold.
  const isNamed = target.sample || target.profile !== undefined;
  const { AURORA_URL, AURORA_INGEST_URL, AURORA_TOKEN } = isNamed ? NOTHING : environment;
  const require = (value: string | undefined, what: keyof typeof PLACES): string => {
    if (value !== undefined) return value;
    const [option, variable] = PLACES[what];
    const places = isNamed ? `${option}; ${variable} does not count for a named profile` : `${option}, ${variable}`;
    const known = Object.keys(profiles);
    const noSuch = `${file} has no profile "${name}"; there are: ${known.join(', ')}`;
    // Of all that is missing this is the cause.
    if (isNamed && known.length > 0) throw new AuroraError({ code: 'NO_CREDENTIALS', publicMessage: noSuch });
    const none = known.length === 0 ? `no profile is in ${file}; start a site with "npm start"` : noSuch;
    const reason = profile === undefined ? none : 'a token that was given goes to no address of a profile';
    throw new AuroraError({ code: 'NO_CREDENTIALS', publicMessage: `No ${what} (${places}): ${reason}` });
  };
  const given = { url: target.url ?? AURORA_URL, ingestUrl: target.ingestUrl ?? AURORA_INGEST_URL };
  const addresses = [given.url, given.ingestUrl].filter((address) => address !== undefined);
  const token = target.token ?? AURORA_TOKEN;
  // A token that was given belongs to the site whose address was: it goes to no other, that of a profile among them.
  const known = token !== undefined && addresses.length > 0 ? undefined : profile;
  // Ingest may stand behind the gateway's address.
  const url = door === 'gateway' ? (given.url ?? known?.url) : (given.ingestUrl ?? known?.ingestUrl ?? given.url);
  const connection = { url: require(url, door), token: require(token ?? profile?.token, 'token') };
  requireNoLogin(given.url, '--url');
  requireNoLogin(given.ingestUrl, '--ingest-url');
  requireNoLogin(connection.url, PLACES[door][0]);
  if (token !== undefined) {
    const source = target.token === undefined ? 'AURORA_TOKEN' : '--token';
    requireSendable(token, source);
    return { ...connection, identity: `the tenant of the token in ${source}` };
  }
  if (profile !== undefined) requireOwnSite([connection.url, ...addresses], profile, name);
  return {
    ...connection,
    identity: `tenant ${nameTenant(profile?.tenant ?? '')} (profile "${name}")`,
    ...(isReadableByOthers(file) ? { exposedFile: file } : {}),
  };
}

/**
 * A profile's token is that of its site alone: whoever could name another address, in an option or a variable, would be
 * handed it.
 *
 * @throws AuroraError `NO_CREDENTIALS`
 */
function requireOwnSite(addresses: readonly string[], profile: Profile, name: string): void {
  const own = new Set([profile.url, profile.ingestUrl].map(originOf));
  const foreign = addresses.map(originOf).find((origin) => !own.has(origin));
  if (foreign === undefined) return;
  throw new AuroraError({
    code: 'NO_CREDENTIALS',
    publicMessage: `No token for ${foreign}: that of the profile "${name}" goes to ${[...own].join(' and ')} alone; give one by --token or AURORA_TOKEN, or leave out the other address (--url, AURORA_URL, --ingest-url, AURORA_INGEST_URL)`,
  });
}

/** A gateway asks for a token, so a login in an address serves nobody, and messages and logs would repeat it. */
function requireNoLogin(address: string | undefined, option: string): void {
  if (address === undefined) return;
  const { username, password } = new URL(address);
  if (username === '' && password === '') return;
  throw badUserInput(option, 'An address takes no user and password; who you are is said by --token or AURORA_TOKEN');
}

function originOf(url: string): string {
  return new URL(url).origin;
}

/** @throws AuroraError `BAD_USER_INPUT` for a text that no header can carry: it would fail as a gateway that is away. */
function requireSendable(token: string, source: string): void {
  if (/^[\x21-\x7e]+$/.test(token)) return;
  throw badUserInput(source, 'That is no token: one has printable ASCII characters alone, no blank and no line break');
}

/** As {@link resolveConnection}, for a command: says on standard error where others may read the token, too. */
export function chooseConnection(target: SiteTarget, door?: Door): Connection {
  const connection = resolveConnection(target, door);
  const { exposedFile: file } = connection;
  if (file !== undefined)
    console.error(`aurora: others than its owner may read ${file} and its tokens; run chmod 600 on it`);
  return connection;
}

export function connectTo(target: SiteTarget): GraphClient {
  const { url, token } = chooseConnection(target);
  return createClient({ url, token });
}
