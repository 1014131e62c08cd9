/** `aurora token`: the API keys of an installation. They count within a second, also for processes that run. */
import { existsSync } from 'node:fs';
import { type ApiKey, createApiKey, isSubject, ROLES, type Role, readApiKeys } from '@aurorasoc/kit/auth';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { isUuid, NO_TENANT } from '@aurorasoc/kit/ids';
import { nameTenant, TENANTS } from '@aurorasoc/kit/tenants';
import { readClientEnvironment } from '../environment.js';
import { changeApiKeys, changeProfiles } from '../home/change-file.js';
import { type Profiles, profileOf, readProfiles, type SiteUrls } from '../home/credentials.js';
import { readErasedTenants } from '../home/erased-tenants.js';
import { siteHome } from '../home/site-home.js';
import { escapeControls } from '../terminal/escape-controls.js';
import { formatTable } from '../terminal/format-table.js';
import { parseDuration } from '../terminal/parse-duration.js';

export interface CreateTokenOptions {
  /** Id of a tenant, or the name of a profile. */
  readonly tenant: string;
  readonly role: readonly string[];
  readonly subject: string;
  readonly kind: 'user' | 'service';
  /** A duration such as `30d` or `12h`, or a moment in RFC 3339. */
  readonly expires?: string;
  /** Profile that keeps the text. */
  readonly save?: string;
}

/** Prints the text once; it is kept nowhere unless it is saved as a profile. */
export async function createToken(options: CreateTokenOptions): Promise<void> {
  const files = locateFiles();
  // Before the key is made: one whose text went nowhere would be in force, and nobody's.
  if (options.save !== undefined)
    siteOfProfile(readProfiles(files.credentials), parseProfileName(options.save), files.credentials);
  const expiresAt = options.expires === undefined ? undefined : parseExpiry(options.expires, new Date());
  const { key, text } = createApiKey({
    tenant: tenantOfKey(options.tenant, files.credentials),
    subject: parseSubject(options.subject),
    kind: options.kind,
    roles: options.role.map(parseRole),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  await changeApiKeys(files.apiKeys, (keys) => {
    refuseErased(files.apiKeys, key.tenant);
    return [...keys, key];
  });
  if (options.save !== undefined) await saveProfile(files.credentials, options.save, key.tenant, text);
  console.log(text);
}

/** One line per key; never a text. */
export function listTokens(options: { readonly json?: boolean }): void {
  const keys = readApiKeys(locateFiles().apiKeys);
  const lines = options.json ? [JSON.stringify(keys.map(({ hash: _, ...key }) => key))] : formatKeys(keys);
  for (const line of lines) console.log(line);
}

function formatKeys(keys: readonly ApiKey[]): readonly string[] {
  const rows = keys.map((key) => [
    key.id,
    escapeControls(key.subject),
    nameTenant(key.tenant),
    key.roles.join(','),
    key.createdAt,
    describeExpiry(key),
  ]);
  return formatTable([['ID', 'SUBJECT', 'TENANT', 'ROLES', 'CREATED', 'EXPIRES'], ...rows]);
}

/** @throws AuroraError `NOT_FOUND` when there is no such key. */
export async function revokeToken(id: string): Promise<void> {
  await changeApiKeys(locateFiles().apiKeys, (keys) => {
    const kept = keys.filter((key) => key.id !== id);
    if (kept.length < keys.length) return kept;
    throw new AuroraError({
      code: 'NOT_FOUND',
      field: 'ID',
      publicMessage: `There is no key ${id}; "aurora token list" shows them`,
    });
  });
  console.log(`Revoked ${id}; open connections that use it are closed within seconds`);
}

/** The text that a profile keeps. @throws AuroraError `NOT_FOUND` */
export function showToken(name: string): void {
  const { credentials } = locateFiles();
  const profiles = readProfiles(credentials);
  const profile = profileOf(profiles, name);
  if (profile === undefined) {
    const known = Object.keys(profiles).join(', ') || 'none';
    throw new AuroraError({
      code: 'NOT_FOUND',
      field: 'PROFILE',
      publicMessage: `${credentials} has no profile ${name}; there are: ${known}`,
    });
  }
  console.log(profile.token);
}

function locateFiles(): { apiKeys: string; credentials: string } {
  const environment = readClientEnvironment();
  const home = siteHome(environment.AURORA_HOME);
  const apiKeys = environment.AURORA_API_KEYS_FILE ?? home.apiKeysFile;
  if (existsSync(apiKeys)) return { apiKeys, credentials: home.credentialsFile };
  throw new AuroraError({
    code: 'NOT_FOUND',
    publicMessage: `There is no API key file ${apiKeys}; start a site once with "npm start", or set AURORA_API_KEYS_FILE`,
  });
}

function tenantOfKey(tenant: string, credentialsFile: string): string {
  const id = resolveTenant(tenant, credentialsFile);
  if (id !== NO_TENANT) return id;
  throw badUserInput('--tenant', `${NO_TENANT} stands for nobody, so nobody can have a key of it; give another UUID`);
}

/** @throws AuroraError `TENANT_ERASED` where an erasure was asked for with this very key file at hand; others are not known. */
function refuseErased(apiKeysFile: string, tenant: string): void {
  if (!readErasedTenants(apiKeysFile).includes(tenant)) return;
  throw new AuroraError({
    code: 'TENANT_ERASED',
    field: '--tenant',
    publicMessage: `Tenant ${nameTenant(tenant)} was erased, and its id is closed for good; give another UUID`,
  });
}

/** @param tenant - id, or the name of a profile. @throws AuroraError `BAD_USER_INPUT` */
export function resolveTenant(tenant: string, credentialsFile: string): string {
  if (isUuid(tenant.toLowerCase())) return tenant.toLowerCase();
  const known = {
    ...Object.fromEntries(Object.entries(readProfiles(credentialsFile)).map(([name, { tenant: id }]) => [name, id])),
    ...TENANTS,
  };
  const id = Object.hasOwn(known, tenant) ? (known as Readonly<Record<string, string>>)[tenant] : undefined;
  if (id !== undefined) return id;
  throw badUserInput(
    '--tenant',
    `"${tenant}" is neither the id of a tenant (a UUID) nor one of ${Object.keys(known).join(', ')}`,
  );
}

function parseSubject(subject: string): string {
  if (isSubject(subject)) return subject;
  throw badUserInput('--subject', 'Name whom the key is for, in 1 to 200 printable characters');
}

/** What a shell takes without quotes. */
const PROFILE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

function parseProfileName(name: string): string {
  if (PROFILE_NAME.test(name)) return name;
  throw badUserInput(
    '--save',
    'The name of a profile has 1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or a digit',
  );
}

function parseRole(role: string): Role {
  const known = ROLES.find((name) => name === role);
  if (known === undefined) throw badUserInput('--role', `"${role}" is no role; roles are ${ROLES.join(', ')}`);
  return known;
}

/** The last moment that RFC 3339 can write. */
const LAST_EXPIRY_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** @throws AuroraError `BAD_USER_INPUT` unless it is a moment to come. */
export function parseExpiry(text: string, now: Date): string {
  const duration = parseDuration(text);
  const moment = duration === undefined ? Date.parse(text) : now.getTime() + duration;
  if (moment > now.getTime() && moment <= LAST_EXPIRY_MS) return new Date(moment).toISOString();
  throw badUserInput('--expires', `"${text}" is neither a duration like 30d, 12h or 90m nor a moment to come`);
}

function describeExpiry({ expiresAt }: ApiKey): string {
  if (expiresAt === undefined) return 'never';
  return Date.parse(expiresAt) <= Date.now() ? `${expiresAt} (expired)` : expiresAt;
}

function saveProfile(file: string, name: string, tenant: string, token: string): Promise<void> {
  return changeProfiles(file, (profiles) => ({
    ...profiles,
    [name]: { ...siteOfProfile(profiles, name, file), tenant, token },
  }));
}

/** Where the profile's site is: a new one's is that of `local`. @throws AuroraError `BAD_USER_INPUT` where nobody knows. */
function siteOfProfile(profiles: Profiles, name: string, file: string): SiteUrls {
  const { url, ingestUrl } = profileOf(profiles, name) ?? profileOf(profiles, 'local') ?? {};
  if (url !== undefined && ingestUrl !== undefined) return { url, ingestUrl };
  throw badUserInput(
    '--save',
    `${file} has no profile whose addresses could be used; start a site once with "npm start"`,
  );
}
