import { readMigrateEnvironment } from '../environment.js';
import { migrateSite } from '../supervisor/migrate-site.js';

/** `aurora migrate`: every domain's schema. @throws AuroraError as `migrateSite` does, `CONFIGURATION_INVALID`. */
export async function migrate(): Promise<void> {
  const { DATABASE_URL, ALERTS_DATABASE_URL, AGENTS_DATABASE_URL, AURORA_SECRET_FILE } = readMigrateEnvironment();
  const urls = { alerts: ALERTS_DATABASE_URL ?? DATABASE_URL, agents: AGENTS_DATABASE_URL ?? DATABASE_URL };
  const applied = await migrateSite(urls, AURORA_SECRET_FILE);
  for (const [domain, names] of Object.entries(applied)) {
    console.log(names.length === 0 ? `${domain}: up to date` : `${domain}: ${names.join(', ')}`);
  }
}
