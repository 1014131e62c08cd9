/** `credentials.json`: for each profile where its site is and with which token to go there. Mode 0600. */
import { readFileSync, statSync } from 'node:fs';
import { readApiKeys } from '@aurorasoc/kit/auth';
import { AuroraError } from '@aurorasoc/kit/errors';
import { tenantIdSchema } from '@aurorasoc/kit/ids';
import { z } from 'zod';
import { writeFileAtomically } from '../services/data-folder/write-file-atomically.js';
import { isAbsent } from '../services/service-error.js';

const profileSchema = z.object({
  url: z.url(),
  ingestUrl: z.url(),
  tenant: tenantIdSchema,
  token: z.string().min(1),
});
export type Profile = Readonly<z.output<typeof profileSchema>>;
export type Profiles = Readonly<Record<string, Profile>>;
const fileSchema = z.object({ profiles: z.record(z.string(), profileSchema) });

export type SiteUrls = Readonly<Pick<Profile, 'url' | 'ingestUrl'>>;

/** @returns undefined also for the names that every object knows, such as `constructor`. */
export function profileOf(profiles: Profiles, name: string): Profile | undefined {
  return Object.hasOwn(profiles, name) ? profiles[name] : undefined;
}

/** @returns no profiles when there is no file. @throws AuroraError `CONFIGURATION_INVALID` for a file that cannot be read. */
export function readProfiles(file: string): Profiles {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).profiles;
  } catch (cause) {
    if (isAbsent(cause)) return {};
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `${file} cannot be used (${problem}); put a good copy back, or remove it and start anew for new tokens`,
      cause,
    });
  }
}

/** Whether others than its owner may read the file, and so use its tokens; false where there is none. */
export function isReadableByOthers(file: string): boolean {
  return ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;
}

export function writeProfiles(file: string, profiles: Profiles): void {
  writeFileAtomically(file, `${JSON.stringify({ profiles }, null, 2)}\n`);
}

/** Whether the API key file still holds the token's key. */
export function isTokenKnown(apiKeysFile: string, token: string): boolean {
  const [, id] = token.split('_');
  return readApiKeys(apiKeysFile).some((key) => key.id === id);
}
