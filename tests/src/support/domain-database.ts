/** A database of its own for one test file, with one domain migrated into it. */
import { readFileSync } from 'node:fs';
import { migrations as alerts } from '@aurorasoc/alerts/migrations';
import { Device } from '@aurorasoc/devices/device/device.entity';
import { migrations as devices } from '@aurorasoc/devices/migrations';
import {
  Database,
  type DatabaseOptions,
  type DomainMigrations,
  type LoginRole,
  loginUrl,
  migrateDomain,
} from '@aurorasoc/kit/database';
import { Health } from '@aurorasoc/kit/health';
import { createLog, type Logger } from '@aurorasoc/kit/log';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { inject } from 'vitest';
import { testWorker } from './environment.js';

export interface DomainDatabase {
  readonly domain: string;
  readonly log: Logger;
  readonly health: Health;
  readonly secret: Buffer;
  /** Superuser, for what a test arranges behind the product's back. */
  readonly admin: Client;
  urlOf(role: LoginRole): string;
  /** Once more, as every start of a site does. */
  migrate(): Promise<unknown>;
  open(role: LoginRole, poolSize?: number): Promise<Database>;
  close(): Promise<void>;
}

/** @param name - of the database; unique in the run. */
export function createAlertsDatabase(
  name: string,
  entities: DatabaseOptions['entities'] = [],
): Promise<DomainDatabase> {
  return createDomainDatabase(name, { domain: 'alerts', migrations: alerts, entities });
}

/** @param name - of the database; unique in the run. */
export function createDevicesDatabase(name: string): Promise<DomainDatabase> {
  return createDomainDatabase(name, { domain: 'devices', migrations: devices, entities: [Device] });
}

interface Domain extends Pick<DatabaseOptions, 'domain' | 'entities'> {
  readonly migrations: DomainMigrations;
}

async function createDomainDatabase(name: string, { domain, migrations, entities }: Domain): Promise<DomainDatabase> {
  const secret = readFileSync(inject('secretFile'));
  const url = new URL(inject('postgresUrl'));
  const server = new Client({ connectionString: url.href });
  await server.connect();
  await server.query(`create database ${name}`);
  await server.end();
  url.pathname = `/${name}`;
  const log = createLog(name, 'silent');
  const health = new Health(name);
  const migrate = () => migrateDomain({ domain, adminUrl: url.href, secret, migrations, log });
  await migrate();
  const admin = new Client({ connectionString: url.href });
  await admin.connect();
  const opened: Database[] = [];
  return {
    domain,
    log,
    health,
    secret,
    admin,
    urlOf: (role) => loginUrl(url.href, secret, domain, role),
    migrate,
    open: async (role, poolSize) => {
      const database = await Database.open({
        domain,
        role,
        url: url.href,
        secret,
        entities,
        log,
        health,
        ...(poolSize === undefined ? {} : { poolSize }),
      });
      opened.push(database);
      return database;
    },
    close: async () => {
      for (const database of opened) await database.close();
      await admin.end();
    },
  };
}

/** More than any file takes, and few enough for two workers among the 16 that Redis has. */
const DATABASES_PER_WORKER = 6;
let nextIndex = 0;

/** A Redis database that no other file uses at the same time, emptied of what an earlier one left. */
export async function redisUrl(): Promise<string> {
  const url = new URL(inject('redisUrl'));
  // The next one would be another worker's, in use.
  if (nextIndex === DATABASES_PER_WORKER) throw new RangeError(`a file has ${DATABASES_PER_WORKER} Redis databases`);
  url.pathname = `/${(testWorker() - 1) * DATABASES_PER_WORKER + ++nextIndex}`;
  const redis = new Redis(url.href);
  await redis.flushdb();
  redis.disconnect();
  return url.href;
}
