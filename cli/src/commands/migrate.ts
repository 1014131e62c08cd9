import { readMigrateEnvironment } from '../environment.js';
import { domainVariable, perDomain } from '../roles/domains.js';
import { migrateSite } from '../supervisor/migrate-site.js';

/** `aurora migrate`: every domain's schema. @throws AuroraError as `migrateSite` does, `CONFIGURATION_INVALID`. */
export async function migrate(): Promise<void> {
  const environment = readMigrateEnvironment();
  const urls = perDomain((domain) => environment[domainVariable(domain, 'DATABASE_URL')] ?? environment.DATABASE_URL);
  const applied = await migrateSite(urls, environment.AURORA_SECRET_FILE);
  for (const [domain, names] of Object.entries(applied)) {
    console.log(names.length === 0 ? `${domain}: up to date` : `${domain}: ${names.join(', ')}`);
  }
}
