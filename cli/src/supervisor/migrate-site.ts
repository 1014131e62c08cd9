/** Brings the schemas of all domains up to date. */

import { readSecret } from '@aurorasoc/kit/environment';
import { AuroraError, describeError, isConnectionError } from '@aurorasoc/kit/errors';
import { DOMAIN_NAMES, DOMAINS, type DomainName } from '../roles/domains.js';

/** With a login that may create roles and schemas. */
export type DatabaseUrls = Readonly<Record<DomainName, string>>;

/**
 * @returns per domain the names of the migrations that were applied now.
 * @throws AuroraError `MIGRATION_FAILED` naming the domain, `SERVICE_UNAVAILABLE` when the database is away.
 */
export async function migrateSite(urls: DatabaseUrls, secretFile: string): Promise<Record<string, readonly string[]>> {
  const secret = readSecret(secretFile);
  // The ORM and the migrations are needed once and by few commands, so nothing else waits for their import.
  const [{ migrateDomain }, { createLog }] = await Promise.all([
    import('@aurorasoc/kit/database'),
    import('@aurorasoc/kit/log'),
  ]);
  const log = createLog('migrate', 'silent');
  const applied: Record<string, readonly string[]> = {};
  for (const domain of DOMAIN_NAMES) {
    const migrations = await DOMAINS[domain].loadMigrations();
    try {
      applied[domain] = await migrateDomain({ domain, adminUrl: urls[domain], secret, migrations, log });
    } catch (cause) {
      throw migrationFailed(domain, urls[domain], cause);
    }
  }
  return applied;
}

function migrationFailed(domain: string, url: string, cause: unknown): AuroraError {
  const { host } = new URL(url);
  return isConnectionError(cause)
    ? new AuroraError({
        code: 'SERVICE_UNAVAILABLE',
        publicMessage: `PostgreSQL at ${host} cannot be reached (${describeError(cause)}); start it, or correct DATABASE_URL`,
        cause,
      })
    : new AuroraError({
        code: 'MIGRATION_FAILED',
        publicMessage: `The schema of ${domain} in PostgreSQL at ${host} could not be brought up to date: ${describeError(cause)}`,
        cause,
      });
}
