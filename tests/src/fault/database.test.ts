/** A database that is slow or busy is not one that is away; and migrations need no superuser. */
import type { Database } from '@aurorasoc/kit/database';
import { migrateDomain } from '@aurorasoc/kit/database';
import { eventLogSql } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { Migration } from '@mikro-orm/migrations';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createAlertsDatabase, type DomainDatabase } from '../support/domain-database.js';

const [ANN, BOB] = [newId(), newId()];

let base: DomainDatabase;
let database: Database;

beforeAll(async () => {
  base = await createAlertsDatabase('busy');
  database = await base.open('svc', 2);
});

afterAll(() => base.close());

const sleepFor = (tenant: string, seconds: number) =>
  database.inTenant(tenant, (em) => em.execute('select pg_sleep(?)', [seconds]));

describe('a database', () => {
  it('that is busy for one tenant gives another its turn, and is not told to be down', async () => {
    // Three rounds on two connections, each longer than the pool itself would wait for a free one.
    const ended: string[] = [];
    const slow = Array.from({ length: 6 }, () => sleepFor(ANN, 1).then(() => ended.push('ann')));
    const cheap = database.inTenant(BOB, (em) => em.execute('select 1')).then(() => ended.push('bob'));
    await Promise.all([...slow, cheap]);
    expect(ended.indexOf('bob')).toBeLessThanOrEqual(2);
    expect(base.health.report().components.postgres).toMatchObject({ state: 'up' });
  });

  it('whose every query takes two seconds for one tenant answers another within three, and tells the first in time what it cannot do', async () => {
    const outcomes: { readonly code: string; readonly ms: number }[] = [];
    const timed = async (work: Promise<unknown>): Promise<number> => {
      const began = performance.now();
      const code = await work.then(
        () => 'done',
        (error: { code: string }) => error.code,
      );
      outcomes.push({ code, ms: performance.now() - began });
      return outcomes.at(-1)?.ms ?? 0;
    };
    let isOver = false;
    const slow = Promise.all(Array.from({ length: 12 }, () => timed(sleepFor(ANN, 2)))).then(() => {
      isOver = true;
    });
    const cheap: number[] = [];
    while (!isOver) {
      const began = performance.now();
      await database.inTenant(BOB, (em) => em.execute('select 1'));
      cheap.push(performance.now() - began);
    }
    await slow;
    expect(Math.max(...cheap)).toBeLessThan(3_000);
    expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set(['done', 'DEADLINE_EXCEEDED']));
    expect(Math.max(...outcomes.map(({ ms }) => ms))).toBeLessThan(11_500);
  });

  it('that takes too long for a statement says so, and is not told to be down', async () => {
    const slow = database.inTenant(ANN, async (em) => {
      await em.execute(`set local statement_timeout = '50ms'`);
      await em.execute('select pg_sleep(5)');
    });
    await expect(slow).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(base.health.report().components.postgres).toMatchObject({ state: 'up' });
  });
});

class CreateProbe extends Migration {
  override up(): void {
    for (const statement of eventLogSql('probe')) this.addSql(statement);
  }
}
const migrations = [{ name: '0001-probe', class: CreateProbe }];

/** The URL of a new database whose owner may create roles, and no more. */
async function createForPlainOwner(name: string): Promise<string> {
  const server = new Client({ connectionString: inject('postgresUrl') });
  await server.connect();
  await server.query(`create role ${name}_admin login createrole password 'plain'`);
  await server.query(`create database ${name} owner ${name}_admin`);
  await server.end();
  const url = new URL(inject('postgresUrl'));
  url.username = `${name}_admin`;
  url.password = 'plain';
  url.pathname = `/${name}`;
  return url.href;
}

/** Its second statement fails, until it is mended. */
const secondMigration = (second: string) => [
  ...migrations,
  {
    name: '0002-half',
    class: class extends Migration {
      override up(): void {
        this.addSql('create table probe.half (n integer)');
        this.addSql(second);
      }
    },
  },
];

describe('migrations', () => {
  it('need a login that may create roles, not a superuser; two processes take turns', async () => {
    const adminUrl = await createForPlainOwner('plain');
    const options = { domain: 'probe', adminUrl, secret: base.secret, migrations, log: base.log };
    const applied = await Promise.all([migrateDomain(options), migrateDomain(options)]);
    expect(applied.flat()).toEqual(['0001-probe']);
    expect(await migrateDomain(options)).toEqual([]);
  });

  it('that fail half-way leave nothing, and are applied whole once they are mended', async () => {
    const server = new Client({ connectionString: inject('postgresUrl') });
    await server.connect();
    await server.query('create database half');
    await server.end();
    const adminUrl = Object.assign(new URL(inject('postgresUrl')), { pathname: '/half' }).href;
    const options = { domain: 'probe', adminUrl, secret: base.secret, log: base.log };
    await expect(migrateDomain({ ...options, migrations: secondMigration('select 1 / 0') })).rejects.toThrow('zero');
    const admin = new Client({ connectionString: adminUrl });
    await admin.connect();
    const look = async () =>
      (
        await admin.query(
          `select to_regclass('probe.half') as half, (select count(*)::int from probe.migration) as applied`,
        )
      ).rows[0];
    expect(await look()).toEqual({ half: null, applied: 0 });
    const mended = secondMigration('alter table probe.half add column m integer');
    const both = await Promise.all([1, 2].map(() => migrateDomain({ ...options, migrations: mended })));
    expect(both.flat()).toEqual(['0001-probe', '0002-half']);
    expect(await look()).toEqual({ half: 'probe.half', applied: 2 });
    await admin.end();
  });

  it('of several databases of one server do not mind each other, whose roles are the same', async () => {
    const server = new Client({ connectionString: inject('postgresUrl') });
    await server.connect();
    const urls: string[] = [];
    for (let n = 0; n < 6; n++) {
      await server.query(`create database neighbour_${n}`);
      urls.push(Object.assign(new URL(inject('postgresUrl')), { pathname: `/neighbour_${n}` }).href);
    }
    await server.end();
    // Only the roles: the tables of the migration name a domain of their own.
    const applied = urls.map((adminUrl) =>
      migrateDomain({ domain: 'neighbour', adminUrl, secret: base.secret, migrations: [], log: base.log }),
    );
    expect(await Promise.all(applied)).toEqual(urls.map(() => []));
  });

  it('refuse a role that passes row security, and say what to do', async () => {
    const url = new URL(inject('postgresUrl'));
    const server = new Client({ connectionString: url.href });
    await server.connect();
    await server.query('create role mighty_svc login bypassrls');
    await server.end();
    const options = { domain: 'mighty', adminUrl: url.href, secret: base.secret, migrations: [], log: base.log };
    await expect(migrateDomain(options)).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      publicMessage: expect.stringContaining('alter role mighty_svc nosuperuser nobypassrls'),
    });
  });
});
