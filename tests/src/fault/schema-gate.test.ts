/** Which schemas a release starts on: its own, and no other. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  Database,
  type DatabaseOptions,
  type DomainMigrations,
  migrateDomain,
  SESSION_TENANT,
} from '@aurorasoc/kit/database';
import { passSchemaGate } from '@aurorasoc/kit/domain';
import { closeTenant, eraseRows } from '@aurorasoc/kit/erasure';
import { eventLogSql } from '@aurorasoc/kit/events';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import { Migration } from '@mikro-orm/migrations';
import { Client } from 'pg';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { eventually } from '../support/wait.js';

const DOMAIN = 'gated';
const RUN_MIGRATE = expect.stringContaining('run "aurora migrate"');
const log = createLog('schema gate', 'silent');

const numbered = (name: string, ...statements: readonly string[]): DomainMigrations[number] => ({
  name,
  class: class extends Migration {
    override up(): void {
      for (const statement of statements) this.addSql(statement);
    }
  },
});

const first = numbered('0001-first', ...eventLogSql(DOMAIN));
const second = numbered('0002-second', 'create table gated.thing (id uuid primary key, tenant uuid not null)');

let secret: Buffer;
let url: string;
let databases = 0;
let opened: Database[] = [];

beforeAll(() => {
  secret = readFileSync(inject('secretFile'));
});

afterEach(async () => {
  for (const database of opened) await database.close();
  opened = [];
});

/** As a superuser. */
async function query<T extends object>(address: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: address });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

const urlOf = (name: string): string => Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).href;

async function createDatabase(): Promise<void> {
  const name = `gated_${++databases}`;
  await query(inject('postgresUrl'), `create database ${name}`);
  url = urlOf(name);
}

const migrate = (...migrations: DomainMigrations) =>
  migrateDomain({ domain: DOMAIN, adminUrl: url, secret, migrations, log });

interface Start extends Partial<Pick<DatabaseOptions, 'domain' | 'url' | 'secret' | 'health'>> {
  readonly migrations: DomainMigrations;
  readonly signal?: AbortSignal;
}

async function open(login: Partial<DatabaseOptions>): Promise<Database> {
  const health = new Health('gate');
  const database = await Database.open({
    domain: DOMAIN,
    role: 'svc',
    url,
    secret,
    entities: [],
    log,
    health,
    ...login,
  });
  opened.push(database);
  return database;
}

/** As the start of a process does it. */
async function start({ migrations, signal, ...login }: Start): Promise<void> {
  const health = login.health ?? new Health('gate');
  const database = await open({ ...login, health });
  await passSchemaGate({ database, migrations, health, signal: signal ?? new AbortController().signal });
  expect(health.report().components.schema).toMatchObject({ state: 'up' });
}

const startWith = (...migrations: DomainMigrations) => start({ migrations });

describe('a release starts', () => {
  it('on the schema that it has migrated, however often', async () => {
    await createDatabase();
    await migrate(first, second);
    await startWith(first, second);
    await migrate(first, second);
    await startWith(first, second);
  });

  it('not where some of its migrations are missing', async () => {
    await createDatabase();
    await migrate(first);
    await expect(startWith(first, second)).rejects.toMatchObject({
      code: 'SCHEMA_OUTDATED',
      publicMessage: `The schema of gated lacks 0002-second: run "aurora migrate", then start again`,
    });
  });

  it('not where a newer one has migrated, which it cannot take back by migrating', async () => {
    await createDatabase();
    await migrate(first, second);
    const tooNew = { code: 'SCHEMA_TOO_NEW', publicMessage: expect.stringContaining('newer release (0002-second)') };
    await expect(startWith(first)).rejects.toMatchObject(tooNew);
    await expect(migrate(first)).rejects.toMatchObject(tooNew);
    await startWith(first, second);
  });

  it('not where another one, with the same migrations, has done what follows them', async () => {
    await createDatabase();
    await migrate(first);
    for (const mark of [`'finished: of another release'`, 'null']) {
      await query(url, `comment on table gated.migration is ${mark}`);
      await expect(startWith(first)).rejects.toMatchObject({ code: 'SCHEMA_OUTDATED', publicMessage: RUN_MIGRATE });
    }
    await migrate(first);
    await startWith(first);
  });

  it('not where what follows its last migration broke off; until that is done, no erasure takes itself for ended', async () => {
    const [tenant, neighbour] = [newId(), newId()];
    const blocking = numbered(
      '0002-blocking',
      'create table gated.thing (id uuid primary key, tenant uuid not null)',
      `insert into gated.thing values ('${newId()}', '${tenant}'), ('${newId()}', '${neighbour}')`,
      // As the tables of events are: for their owner there is no policy yet.
      'alter table gated.thing enable row level security',
      'alter table gated.thing force row level security',
      `create policy tenant on gated.thing to gated_svc using (tenant = ${SESSION_TENANT})`,
      // Its parameter has another name, so that it cannot be replaced.
      'drop function gated.erasure_lock(uuid)',
      `create function gated.erasure_lock(other uuid) returns bigint language sql as 'select 1::bigint'`,
    );
    await createDatabase();
    await migrate(first);
    const eraser = await open({ role: 'eraser' });
    const erase = () => eraseRows(eraser, tenant, new AbortController().signal);
    await closeTenant(eraser, { request: newId(), tenant, erasureId: newId() });
    await expect(migrate(first, blocking)).rejects.toThrow('cannot change name of input parameter');
    expect(await query(url, 'select name from gated.migration')).toHaveLength(2);
    await expect(startWith(first, blocking)).rejects.toMatchObject({
      code: 'SCHEMA_OUTDATED',
      publicMessage: RUN_MIGRATE,
    });
    await expect(erase()).rejects.toThrow('table thing: the migration that made it was not finished');

    await query(url, 'drop function gated.erasure_lock(uuid)');
    expect(await migrate(first, blocking)).toEqual([]);
    await startWith(first, blocking);
    expect(await erase()).toBe(true);
    expect(await query(url, 'select tenant from gated.thing')).toEqual([{ tenant: neighbour }]);
  });
});

describe('a process that PostgreSQL gives no schema', () => {
  it('is told to migrate where the roles of another database are there', async () => {
    await createDatabase();
    await migrate(first);
    await createDatabase();
    await expect(startWith(first)).rejects.toMatchObject({ code: 'SCHEMA_OUTDATED', publicMessage: RUN_MIGRATE });
  });

  const BOTH_CAUSES = /login \w+_svc\..*run "aurora migrate".*AURORA_SECRET_FILE/;

  it('is told both causes where nobody has ever migrated on the server', async () => {
    await createDatabase();
    await expect(start({ migrations: [first], domain: 'nobody' })).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      publicMessage: expect.stringMatching(BOTH_CAUSES),
    });
  });

  it('is told both causes where its secret is another one', async () => {
    await createDatabase();
    await migrate(first);
    await expect(start({ migrations: [first], secret: randomBytes(32) })).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      publicMessage: expect.stringMatching(BOTH_CAUSES),
    });
  });

  it('is told so where the database does not exist', async () => {
    await createDatabase();
    await migrate(first);
    await expect(start({ migrations: [first], url: urlOf('no_such_database') })).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      publicMessage: expect.stringMatching(/DATABASE_URL.*does not exist.*run "aurora migrate"/),
    });
  });
});

it('a process that waits for PostgreSQL gives up as soon as it is told to end', async () => {
  const health = new Health('gate');
  const stop = new AbortController();
  // Nobody listens there.
  const away = Object.assign(new URL(urlOf('any')), { port: '1' }).href;
  const starting = start({ migrations: [first], url: away, health, signal: stop.signal });
  await eventually(
    () => health.report().components.schema,
    (schema) => schema?.state === 'down',
  );
  stop.abort();
  await expect(starting).rejects.toBe(stop.signal.reason);
});
