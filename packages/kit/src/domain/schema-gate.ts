/** A release works on the schema that it was written for, or on none. */
import { type Database, sqlStateOf } from '../database/database.js';
import { finishingSql, finishMark, refuseNewer } from '../database/finish-schema.js';
import type { DomainMigrations } from '../database/migrate.js';
import { roleName } from '../database/roles.js';
import { AuroraError, describeError, isConnectionError } from '../errors.js';
import type { Health } from '../health.js';
import { backoffMs, sleep } from '../lifecycle.js';

/** undefined_table, insufficient_privilege, invalid_schema_name: the first migration never came to its end here. */
const NOT_MIGRATED = new Set(['42P01', '42501', '3F000']);
/** invalid_password, which a role that does not exist has, too; invalid_authorization_specification. */
const LOGIN_REFUSED = new Set(['28P01', '28000']);
/** invalid_catalog_name */
const NO_DATABASE = '3D000';

export interface SchemaGateOptions {
  /** Of the `svc` login. */
  readonly database: Database;
  /** All of the release's. */
  readonly migrations: DomainMigrations;
  readonly health: Health;
  /** Ends the wait for PostgreSQL. */
  readonly signal: AbortSignal;
}

/**
 * Resolves once the domain's schema is the one that `migrations`, and what this release does after them, make; waits while
 * PostgreSQL is away.
 *
 * @throws AuroraError `SCHEMA_OUTDATED` where some were not applied, or what follows them was not done for this release;
 *   `SCHEMA_TOO_NEW` where others were applied; `CONFIGURATION_INVALID` where PostgreSQL does not know the login or the database.
 *   The signal's reason, once it has aborted: then the schema is not known.
 */
export async function passSchemaGate({ database, migrations, health, signal }: SchemaGateOptions): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      compareSchema(database.domain, await readSchema(database), migrations);
      signal.throwIfAborted();
      return health.set('schema', 'up');
    } catch (error) {
      signal.throwIfAborted();
      if (!isConnectionError(error)) throw error;
      health.set('schema', 'down', `not known yet: ${describeError(error)}`);
      await sleep(backoffMs(attempt, 100, 1_000), signal);
    }
  }
}

interface Schema {
  readonly applied: readonly string[];
  /** Null where a release has migrated that set none. */
  readonly mark: string | null;
}

async function readSchema(database: Database): Promise<Schema> {
  const { domain } = database;
  try {
    // One statement: who migrates meanwhile is seen before or after it. It has a row also where nothing was applied.
    const rows = await database.execute<{ name: string | null; mark: string | null }>(
      `select name, obj_description('${domain}.migration'::regclass, 'pg_class') as mark
       from (select) as always left join ${domain}.migration on true order by name`,
    );
    return { applied: rows.flatMap(({ name }) => name ?? []), mark: rows[0]?.mark ?? null };
  } catch (error) {
    throw whyUnreadable(domain, error) ?? error;
  }
}

function whyUnreadable(domain: string, cause: unknown): AuroraError | undefined {
  const state = sqlStateOf(cause) ?? '';
  if (NOT_MIGRATED.has(state))
    return new AuroraError({
      code: 'SCHEMA_OUTDATED',
      publicMessage: `The schema of ${domain} was never migrated to the end in this database: run "aurora migrate", then start again`,
      cause,
    });
  if (LOGIN_REFUSED.has(state))
    return new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `PostgreSQL refuses the login ${roleName(domain, 'svc')}. Where nobody has migrated on this server yet, run "aurora migrate", then start again; where somebody has, the file that AURORA_SECRET_FILE names must hold the secret with which it was done`,
      cause,
    });
  if (state === NO_DATABASE)
    return new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `The database that DATABASE_URL names for ${domain} does not exist: correct the URL; or create the database, run "aurora migrate", then start again`,
      cause,
    });
  return undefined;
}

function compareSchema(domain: string, { applied, mark }: Schema, migrations: DomainMigrations): void {
  refuseNewer(domain, applied, migrations);
  const missing = migrations.filter(({ name }) => !applied.includes(name)).map(({ name }) => name);
  if (missing.length > 0)
    throw new AuroraError({
      code: 'SCHEMA_OUTDATED',
      publicMessage: `The schema of ${domain} lacks ${missing.join(', ')}: run "aurora migrate", then start again`,
    });
  // A mark has no order: what is not this release's may be a former one's, half done, or a later one's.
  if (mark !== finishMark(migrations, finishingSql(domain)))
    throw new AuroraError({
      code: 'SCHEMA_OUTDATED',
      publicMessage: `The schema of ${domain} has this release's migrations, but was not finished by it: run "aurora migrate", then start again; if a newer release has finished it, start that one instead`,
    });
}
