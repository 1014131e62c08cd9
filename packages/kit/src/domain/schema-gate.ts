/** A release works on the schema that it was written for, or on none. */
import { type Database, sqlStateOf } from '../database/database.js';
import type { DomainMigrations } from '../database/migrate.js';
import { AuroraError, describeError, isConnectionError } from '../errors.js';
import type { Health } from '../health.js';
import { backoffMs, sleep } from '../lifecycle.js';

/** undefined_table, insufficient_privilege: nobody has migrated, or only a release that had no gate. */
const NOT_MIGRATED = new Set(['42P01', '42501', '3F000']);

/**
 * Resolves once the domain's schema is the one that `migrations` make; waits while PostgreSQL is away.
 * @throws AuroraError `SCHEMA_OUTDATED` where some were not applied, `SCHEMA_TOO_NEW` where others were.
 */
export async function passSchemaGate(database: Database, migrations: DomainMigrations, health: Health): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      compareSchema(database.domain, await readApplied(database), migrations);
      return health.set('schema', 'up');
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      health.set('schema', 'down', `not known yet: ${describeError(error)}`);
      await sleep(backoffMs(attempt, 100, 1_000));
    }
  }
}

async function readApplied(database: Database): Promise<string[]> {
  try {
    const rows = await database.execute<{ name: string }>(
      `select name from ${database.domain}.migration order by name`,
    );
    return rows.map(({ name }) => name);
  } catch (error) {
    if (NOT_MIGRATED.has(sqlStateOf(error) ?? '')) return [];
    throw error;
  }
}

function compareSchema(domain: string, applied: readonly string[], migrations: DomainMigrations): void {
  const known = migrations.map(({ name }) => name);
  const missing = known.filter((name) => !applied.includes(name));
  const foreign = applied.filter((name) => !known.includes(name));
  if (foreign.length > 0)
    throw new AuroraError({
      code: 'SCHEMA_TOO_NEW',
      publicMessage: `The schema of ${domain} was migrated by a newer release (${foreign.join(', ')}): start that one`,
    });
  if (missing.length > 0)
    throw new AuroraError({
      code: 'SCHEMA_OUTDATED',
      publicMessage: `The schema of ${domain} lacks ${missing.join(', ')}: run "aurora migrate", then start again`,
    });
}
