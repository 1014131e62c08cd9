/**
 * Brings one domain's schema up to date: roles and their logins first, then the domain's migrations, as the owner role.
 */
import { type Constructor, MikroORM } from '@mikro-orm/core';
import { type Migration, Migrator } from '@mikro-orm/migrations';
import { defineConfig } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { AuroraError } from '../errors.js';
import { backoffMs, sleep } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { finishSchema } from './finish-schema.js';
import { LOGIN_ROLES, loginPassword, roleName } from './roles.js';

/** In the order in which they are applied. */
export type DomainMigrations = readonly { readonly name: string; readonly class: Constructor<Migration> }[];

export interface MigrateOptions {
  readonly domain: string;
  /** Login with the right to create roles and schemas in the database. */
  readonly adminUrl: string;
  readonly secret: Buffer;
  readonly migrations: DomainMigrations;
  readonly log: Logger;
}

/**
 * Two processes that migrate at once take turns; each migration is one transaction, and so is what follows the last one, which
 * is done each time.
 *
 * @returns names of the migrations that were applied now.
 * @throws AuroraError `SCHEMA_TOO_NEW` where a newer release has migrated; `CONFIGURATION_INVALID` for a role that may pass row security.
 */
export async function migrateDomain(options: MigrateOptions): Promise<string[]> {
  const admin = new Client({
    connectionString: options.adminUrl,
    application_name: `aurora migrate ${options.domain}`,
  });
  await admin.connect();
  try {
    await admin.query(`select pg_advisory_lock(hashtext('aurora migrate'))`);
    await prepareRolesOfServer(admin, options);
    const applied = await applyMigrations(options);
    await finishSchema(admin, options.domain, options.migrations);
    return applied;
  } finally {
    await admin.end();
  }
}

/** What another database's migration does to the same role at the same moment: create it, or change it. */
const ROLE_IS_CHANGING = new Set(['23505', '42710', 'XX000']);
const ROLE_TRIES = 10;

/** Roles are the server's and the lock is the database's: who migrates another database may be at the same roles. */
async function prepareRolesOfServer(admin: Client, options: MigrateOptions): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await prepareRoles(admin, options);
    } catch (error) {
      const { code } = error as { code?: string };
      if (tries === ROLE_TRIES || code === undefined || !ROLE_IS_CHANGING.has(code)) throw error;
      await sleep(backoffMs(tries, 20, 500));
    }
  }
}

async function prepareRoles(admin: Client, { domain, secret }: MigrateOptions): Promise<void> {
  const owner = roleName(domain, 'owner');
  await createRole(admin, owner, 'nologin');
  await admin.query(`grant ${owner} to current_user`);
  for (const role of LOGIN_ROLES) {
    const login = roleName(domain, role);
    await createRole(admin, login, 'login');
    await refusePowerful(admin, login);
    await admin.query(`alter role ${login} password '${loginPassword(secret, domain, role)}'`);
  }
  await admin.query(`create schema if not exists ${domain} authorization ${owner}`);
}

async function createRole(admin: Client, name: string, login: 'login' | 'nologin'): Promise<void> {
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [name]);
  if (rowCount === 0) await admin.query(`create role ${name} ${login}`);
}

/** Row security does not hold for such roles; only a superuser could take the attributes away, and must have given them. */
async function refusePowerful(admin: Client, name: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1 and (rolsuper or rolbypassrls)', [
    name,
  ]);
  if (rowCount === 0) return;
  throw new AuroraError({
    code: 'CONFIGURATION_INVALID',
    publicMessage: `The database role ${name} may pass row security; run: alter role ${name} nosuperuser nobypassrls`,
  });
}

async function applyMigrations({ domain, adminUrl, migrations, log }: MigrateOptions): Promise<string[]> {
  const orm = await MikroORM.init(
    defineConfig({
      clientUrl: adminUrl,
      entities: [],
      discovery: { warnWhenNoEntities: false },
      extensions: [Migrator],
      logger: (message) => log.debug({ message }, 'MikroORM'),
      // Everything a migration creates belongs to the owner role, whatever login runs it.
      driverOptions: { options: `-c role=${roleName(domain, 'owner')}`, max: 2 },
      migrations: { schema: domain, tableName: 'migration', snapshot: false, migrationsList: [...migrations] },
    }),
  );
  try {
    const applied = await orm.migrator.up();
    const names = applied.map((migration) => migration.name);
    if (names.length > 0) log.info({ domain, migrations: names }, 'Migrated');
    return names;
  } finally {
    await orm.close(true);
  }
}
