/** What the roles that the product ships can see and do, by their own logins. */

import { LOGIN_ROLES, type LoginRole } from '@aurorasoc/kit/database';
import { EventRecorder } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createAlertsDatabase, type DomainDatabase } from '../support/domain-database.js';

const ANN = '0198c0de-0000-7000-8000-00000000000a';
const BOB = '0198c0de-0000-7000-8000-00000000000b';
const recorder = new EventRecorder('alerts', 'test', { 'thing.changed': z.object({}) });

let base: DomainDatabase;

beforeAll(async () => {
  base = await createAlertsDatabase('row_security');
  const database = await base.open('svc');
  for (const tenant of [ANN, ANN, BOB]) {
    await database.inTenant(tenant, (em) =>
      recorder.record(em, {
        type: 'thing.changed',
        subject: newId(),
        version: 1,
        tenant,
        actor: { kind: 'user', id: 'x' },
        data: {},
        occurredAt: new Date(),
      }),
    );
  }
});

afterAll(() => base.close());

async function withLogin<T>(role: LoginRole, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: base.urlOf(role) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('row security', () => {
  it('shows a tenant its own rows, and nothing to a session without a tenant', async () => {
    const database = await base.open('svc');
    const count = async (tenant: string) =>
      database.inTenant(tenant, async (em) =>
        Number(((await em.execute('select count(*) as n from alerts.event')) as { n: string }[])[0]?.n),
      );
    expect(await count(ANN)).toBe(2);
    expect(await count(BOB)).toBe(1);
    expect(await database.execute<{ n: string }>('select count(*) as n from alerts.event')).toEqual([{ n: '0' }]);
  });

  it('refuses to write a row of another tenant', async () => {
    const database = await base.open('svc');
    const write = database.inTenant(ANN, (em) =>
      recorder.record(em, {
        type: 'thing.changed',
        subject: newId(),
        version: 1,
        tenant: BOB,
        actor: { kind: 'user', id: 'x' },
        data: {},
        occurredAt: new Date(),
      }),
    );
    await expect(write).rejects.toThrow(/row-level security/);
  });

  it('holds for every table that has a tenant, but for those that carry only the order, and whom nobody may write for', async () => {
    const { rows } = await base.admin.query<{ name: string; forced: boolean }>(
      `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'
       where c.relnamespace = 'alerts'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    );
    expect(rows.filter((row) => !row.forced).map((row) => row.name)).toEqual([
      'erased_tenant',
      'erasure_request',
      'event_pending',
      'event_position',
    ]);
    expect(rows.length).toBeGreaterThan(5);
  });

  it('gives no login the right to change or remove events, to own tables or to pass row security', async () => {
    for (const statement of [
      'update alerts.event set type = type',
      'delete from alerts.event',
      'alter table alerts.event disable row level security',
      'truncate alerts.event',
    ]) {
      for (const role of LOGIN_ROLES) {
        await expect(
          withLogin(role, (client) => client.query(statement)),
          `${role}: ${statement}`,
        ).rejects.toThrow(/permission denied|must be owner/);
      }
    }
    const { rows } = await base.admin.query(
      `select rolname from pg_roles where rolname like 'alerts\\_%' and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)`,
    );
    expect(rows).toEqual([]);
  });

  it('lets the relay read every tenant’s events and nothing else', async () => {
    const seen = await withLogin('relay', (client) =>
      client.query<{ n: string }>('select count(*) as n from alerts.event'),
    );
    expect(seen.rows[0]?.n).toBe('3');
    for (const table of ['alert', 'detection_rule', 'ingested_event', 'inbox']) {
      await expect(
        withLogin('relay', (client) => client.query(`select 1 from alerts.${table}`)),
        table,
      ).rejects.toThrow(/permission denied/);
    }
  });

  it('keeps partitions of events closed to be asked directly', async () => {
    const database = await base.open('store');
    await database.execute('select alerts.create_event_partition(current_date)');
    const { rows } = await base.admin.query<{ name: string }>(
      `select relname as name from pg_class where relispartition and relnamespace = 'alerts'::regnamespace and relkind = 'r'`,
    );
    expect(rows.length).toBe(1);
    for (const role of ['svc', 'store'] as const) {
      await expect(withLogin(role, (client) => client.query(`select 1 from alerts.${rows[0]?.name}`))).rejects.toThrow(
        /permission denied/,
      );
    }
  });

  it('refuses partitions far outside of what is kept', async () => {
    const database = await base.open('store');
    await expect(database.execute(`select alerts.create_event_partition(current_date + 30)`)).rejects.toThrow(
      /no partition for/,
    );
  });
});
