/** `credentials.json`: for each profile where its site is and with which token to go there. Mode 0600. */
import { readFileSync } from 'node:fs';
import { createApiKey, type Role, readApiKeys, writeApiKeys } from '@aurorasoc/kit/auth';
import { AuroraError } from '@aurorasoc/kit/errors';
import { z } from 'zod';
import { writeFileAtomically } from '../services/data-folder/write-file-atomically.js';
import { hasErrorCode } from '../services/service-error.js';
import { PROFILE_NAMES, type ProfileName, TENANTS } from '../tenants.js';
import type { SiteHome } from './site-home.js';

const profileSchema = z.object({
  url: z.url(),
  ingestUrl: z.url(),
  tenant: z.uuid(),
  token: z.string().min(1),
});
export type Profile = Readonly<z.output<typeof profileSchema>>;
export type Profiles = Readonly<Record<string, Profile>>;
const fileSchema = z.object({ profiles: z.record(z.string(), profileSchema) });

export type SiteUrls = Readonly<Pick<Profile, 'url' | 'ingestUrl'>>;

/** The check both sends events and asks for investigations, which no single role but admin may. */
const PROFILE_KEYS: Readonly<Record<ProfileName, { kind: 'user' | 'service'; roles: Role[] }>> = {
  local: { kind: 'user', roles: ['admin'] },
  sample: { kind: 'user', roles: ['admin'] },
  check: { kind: 'service', roles: ['service', 'analyst'] },
};

/** @returns no profiles when there is no file. @throws AuroraError `CONFIGURATION_INVALID` for a file that cannot be read. */
export function readProfiles(file: string): Profiles {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).profiles;
  } catch (cause) {
    if (hasErrorCode(cause, 'ENOENT')) return {};
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `${file} cannot be used (${problem}); put a good copy back, or remove it and start anew for new tokens`,
      cause,
    });
  }
}

export function writeProfiles(file: string, profiles: Profiles): void {
  writeFileAtomically(file, `${JSON.stringify({ profiles }, null, 2)}\n`);
}

/**
 * Gives the three profiles of an installation their keys, once, and the URLs of this start. A key that was revoked later is
 * not made again: its profile is still there.
 */
export function prepareProfiles(home: SiteHome, urls: SiteUrls): Readonly<Record<ProfileName, Profile>> {
  const known = readProfiles(home.credentialsFile);
  const prepared = Object.fromEntries(
    PROFILE_NAMES.map((name) => {
      const tenant = TENANTS[name];
      return [name, { tenant, ...urls, token: known[name]?.token ?? addKey(home.apiKeysFile, name) }];
    }),
  ) as Record<ProfileName, Profile>;
  writeProfiles(home.credentialsFile, { ...known, ...prepared });
  return prepared;
}

/** Whether the API key file still holds the token's key. */
export function isTokenKnown(apiKeysFile: string, token: string): boolean {
  const [, id] = token.split('_');
  return readApiKeys(apiKeysFile).some((key) => key.id === id);
}

function addKey(apiKeysFile: string, name: ProfileName): string {
  const subject = `aurora-${name}`;
  const tenant = TENANTS[name];
  const { key, text } = createApiKey({ tenant, subject, ...PROFILE_KEYS[name] });
  // A start that ended between the two files has left a key whose text nobody has.
  const others = readApiKeys(apiKeysFile).filter((other) => other.subject !== subject || other.tenant !== tenant);
  writeApiKeys(apiKeysFile, [...others, key]);
  return text;
}
