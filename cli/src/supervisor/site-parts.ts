/** What a site is made of. Tests of the supervisor put small stand-ins in place of the real roles. */
import { fileURLToPath } from 'node:url';
import type { RoleDefinition } from '../roles/role-table.js';
import { checkRedis } from './check-redis.js';
import { type DatabaseUrls, migrateSite } from './migrate-site.js';

export interface Storage {
  /** With logins that may create roles and schemas. */
  readonly databaseUrls: DatabaseUrls;
  readonly redisUrl: string;
  readonly secretFile: string;
}

export interface SiteParts {
  readonly roles: readonly RoleDefinition[];
  /** Arguments for Node that run a role. */
  readonly argsFor: (role: RoleDefinition) => readonly string[];
  /** Makes the services ready for the roles. */
  readonly prepareStorage: (storage: Storage, log: (line: string) => void) => Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('../bin.js', import.meta.url));

export const REAL_PARTS: Omit<SiteParts, 'roles'> = {
  argsFor: ({ serve: { role, workers } }) => [PROGRAM, 'serve', '--role', role, '--workers', workers],
  prepareStorage: async ({ databaseUrls, redisUrl, secretFile }, log) => {
    await checkRedis(redisUrl);
    const applied = await migrateSite(databaseUrls, secretFile);
    for (const [domain, names] of Object.entries(applied)) {
      if (names.length > 0) log(`Migrated ${domain}: ${names.join(', ')}`);
    }
  },
};
