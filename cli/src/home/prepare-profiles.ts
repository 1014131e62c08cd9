/** The profiles that an installation makes for itself, and their keys. */
import { createApiKey, type Role } from '@aurorasoc/kit/auth';
import { PROFILE_NAMES, type ProfileName, TENANTS } from '@aurorasoc/kit/tenants';
import { changeApiKeys, changeProfiles } from './change-file.js';
import { type Profile, readProfiles, type SiteUrls } from './credentials.js';
import { readErasedTenants } from './erased-tenants.js';
import type { SiteHome } from './site-home.js';

/** The check both sends events and asks for investigations, which no single role but admin may. */
const PROFILE_KEYS: Readonly<Record<ProfileName, { kind: 'user' | 'service'; roles: Role[] }>> = {
  local: { kind: 'user', roles: ['admin'] },
  sample: { kind: 'user', roles: ['admin'] },
  check: { kind: 'service', roles: ['service', 'analyst'] },
};

/**
 * Gives the three profiles of an installation their keys, once, and the URLs of this start, which every other profile gets, too,
 * that had those of the start before. A key that was revoked later is not made again: its profile is still there. Nor is one of a tenant that
 * was erased, whose profile then has a token that nobody accepts.
 */
export async function prepareProfiles(home: SiteHome, urls: SiteUrls): Promise<Readonly<Record<ProfileName, Profile>>> {
  const known = readProfiles(home.credentialsFile);
  const prepared = {} as Record<ProfileName, Profile>;
  for (const name of PROFILE_NAMES) {
    const token = known[name]?.token ?? (await addKey(home.apiKeysFile, name));
    prepared[name] = { tenant: TENANTS[name], ...urls, token };
  }
  const { local: before } = known;
  await changeProfiles(home.credentialsFile, (profiles) => {
    const moved = Object.entries(profiles).map(([name, profile]) => [name, moveWith(before, urls, profile)] as const);
    return { ...Object.fromEntries(moved), ...prepared };
  });
  return prepared;
}

/** Another program may have the port by now that a profile's token would go to. */
function moveWith(before: SiteUrls | undefined, urls: SiteUrls, profile: Profile): Profile {
  return {
    ...profile,
    ...(profile.url === before?.url ? { url: urls.url } : {}),
    ...(profile.ingestUrl === before?.ingestUrl ? { ingestUrl: urls.ingestUrl } : {}),
  };
}

async function addKey(apiKeysFile: string, name: ProfileName): Promise<string> {
  const subject = `aurora-${name}`;
  const tenant = TENANTS[name];
  const { key, text } = createApiKey({ tenant, subject, ...PROFILE_KEYS[name] });
  await changeApiKeys(apiKeysFile, (keys) => {
    // A start that ended between the two files has left a key whose text nobody has.
    const others = keys.filter((other) => other.subject !== subject || other.tenant !== tenant);
    return readErasedTenants(apiKeysFile).includes(tenant) ? others : [...others, key];
  });
  return text;
}
