/**
 * The tenants whose erasure was asked for by a command that held the site's key file, kept beside that: a command that makes
 * keys asks no site, and a key of an erased tenant would let its holder do nothing.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AuroraError } from '@aurorasoc/kit/errors';
import { z } from 'zod';
import { writeFileAtomically } from '../services/data-folder/write-file-atomically.js';
import { isAbsent } from '../services/service-error.js';

const fileSchema = z.object({ tenants: z.array(z.guid()) });

/** @throws AuroraError `CONFIGURATION_INVALID` for a file that is none. */
export function readErasedTenants(apiKeysFile: string): readonly string[] {
  const file = fileBeside(apiKeysFile);
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).tenants;
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `${file} is no list of erased tenants; put a good copy back, or remove it`,
      cause,
    });
  }
}

/** To be called while the key file is locked. */
export function addErasedTenant(apiKeysFile: string, tenant: string): void {
  const tenants = readErasedTenants(apiKeysFile);
  if (tenants.includes(tenant)) return;
  writeFileAtomically(fileBeside(apiKeysFile), `${JSON.stringify({ tenants: [...tenants, tenant] }, null, 2)}\n`);
}

function fileBeside(apiKeysFile: string): string {
  return join(dirname(apiKeysFile), 'erased-tenants.json');
}
