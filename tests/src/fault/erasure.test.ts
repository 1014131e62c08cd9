/** A tenant leaves one domain: all of its rows, nobody else's, whatever is in flight, and the audit log still verifies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isTenantErased } from '@aurorasoc/kit/erasure';
import { NO_TENANT, newId } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { ErasureDomain, EVENTS, request } from '../support/erasure-domain.js';
import { eventually } from '../support/wait.js';

const ERASER_PROCESS = fileURLToPath(new URL('../../dist/support/eraser-process.js', import.meta.url));

let domain: ErasureDomain;
let tenant: string;
let neighbour: string;

beforeAll(async () => {
  domain = await ErasureDomain.open('erasure');
});

afterAll(() => domain.stop());

beforeEach(() => {
  tenant = newId();
  neighbour = newId();
});

describe('an erasure', () => {
  it('leaves ids and hashes of the tenant, the audit log whole, and every row of others', async () => {
    await domain.fill(tenant);
    await domain.fill(neighbour);
    await domain.sealed(tenant, 3);
    await domain.sealed(neighbour, 3);
    const before = await domain.countRows(neighbour);

    const eraser = domain.startEraser();
    const asked = request(tenant);
    await eraser.close([asked]);
    await eraser.close([asked]);
    const [answer] = await domain.erased(tenant);

    expect(await domain.countRows(tenant)).toEqual({
      erased_tenant: 1,
      erasure_request: 1,
      event_leaf: 3,
      event_position: 3,
      tree_head: expect.any(Number),
    });
    expect(await domain.countRows(neighbour)).toEqual(before);
    expect(before).toMatchObject({ alert: 4, alert_event: 4, event: 3, ingested_event: 5, rule_set: 1 });
    expect(answer).toMatchObject({
      tables: { alert: 4, alert_event: 4, event: 3, ingested_event: 5, rule_set: 1 },
      streamEntries: 3,
    });
    expect(await domain.verify(tenant)).toMatchObject({ size: 3, withoutEvent: 3, fault: undefined });
    expect(await domain.verify(neighbour)).toMatchObject({ size: 3, withoutEvent: 0, fault: undefined });
    expect(JSON.stringify(await domain.redis.xrange(EVENTS, '-', '+'))).not.toContain(`of ${tenant}`);
    expect(JSON.stringify(await domain.redis.xrange(EVENTS, '-', '+'))).toContain(`of ${neighbour}`);
  });

  it('tells its end once, also where two replicas work on it', async () => {
    await domain.fill(tenant);
    const erasers = [domain.startEraser(), domain.startEraser()] as const;
    await erasers[0].close([request(tenant)]);
    await erasers[1].close([]);
    await domain.erased(tenant);
    // The slower one may still be at it.
    await Promise.all(erasers.map((eraser) => eraser.stop()));
    const [answer, ...more] = await domain.answerOf(tenant);
    expect(more).toEqual([]);
    expect(answer?.tables).toMatchObject({ alert: 4, event: 3, ingested_event: 5 });
  });

  it('is done and told once more whenever it is asked for again, and once for each request', async () => {
    await domain.fill(tenant);
    const [first, second] = [newId(), newId()];
    // The last one is of a site that was restored to a time before it knew of the erasure.
    const asked = [request(tenant, first), request(tenant, first), request(tenant, second)] as const;
    // Some bring rows back, as a backup does.
    const bringBack = () => domain.base.admin.query('insert into alerts.rule_set values ($1, 2)', [tenant]);
    const eraser = domain.startEraser();
    await eraser.close([asked[0]]);
    await domain.erased(tenant);
    await bringBack();
    // A stream that was wiped brings the first one again. Erasures are done in their order.
    await eraser.close([asked[0], request(neighbour)]);
    await domain.erased(neighbour);
    expect(await domain.answerOf(tenant)).toHaveLength(1);
    await eraser.close([asked[1]]);
    await domain.erased(tenant, 2);
    expect(await domain.countRows(tenant)).not.toHaveProperty('rule_set');
    await bringBack();
    await eraser.close(asked);
    const told = await domain.erased(tenant, 3);
    expect(told.map(({ erasureId, requestId, tables }) => [erasureId, requestId, tables.rule_set])).toEqual([
      [first, asked[0].messageId, 1],
      [first, asked[1].messageId, 2],
      [second, asked[2].messageId, 3],
    ]);
    expect(await domain.countRows(tenant)).toMatchObject({ erasure_request: 3 });
  });

  it('that is asked for again near its end has another pass over the rows', async () => {
    const stream = `test:again:${tenant}`;
    await domain.redis.xadd(stream, '*', 'id', newId(), 'tenant', neighbour);
    const asked = [request(tenant), request(tenant)] as const;
    // Its rows are gone by the time at which it looks at streams.
    const attribute = async (entries: readonly StreamEntry[]) => {
      if ((await domain.countRows(tenant)).erasure_request === 1) {
        await domain.base.admin.query('insert into alerts.rule_set values ($1, 2)', [tenant]);
        await eraser.close([asked[1]]);
      }
      return entries;
    };
    const eraser = domain.startEraser(() => [{ stream, groups: [], attribute }]);
    await eraser.close([asked[0]]);
    const told = await domain.erased(tenant, 2);
    expect(told.map(({ requestId, tables }) => [requestId, tables])).toEqual([
      [asked[0].messageId, {}],
      [asked[1].messageId, { rule_set: 1 }],
    ]);
    expect(await domain.countRows(tenant)).not.toHaveProperty('rule_set');
  });

  it('that was begun before requests were told apart goes on, and is answered as the oldest one', async () => {
    await domain.base.admin.query(
      `drop table alerts.erasure_request;
       alter table alerts.erased_tenant add column erasure_id uuid, add column rows_gone_at timestamptz, add column finished_at timestamptz;
       update alerts.erased_tenant set erasure_id = gen_random_uuid(), rows_gone_at = now(), finished_at = now();`,
    );
    const erasureId = newId();
    await domain.base.admin.query('insert into alerts.erased_tenant (tenant, erasure_id) values ($1, $2)', [
      tenant,
      erasureId,
    ]);
    await domain.base.admin.query('insert into alerts.rule_set values ($1, 2)', [tenant]);
    await domain.base.migrate();
    domain.startEraser();
    const [answer] = await domain.erased(tenant);
    expect(answer).toEqual({
      erasureId,
      tenantId: tenant,
      tables: { rule_set: 1 },
      streamEntries: 0,
      deadLetters: 0,
    });
    const { rows } = await domain.base.admin.query('select from alerts.erasure_request where answered_at is null');
    expect(rows).toEqual([]);
  });

  it('reads no table again while it only waits for a group', async () => {
    await domain.fill(tenant);
    const stream = `test:${tenant}`;
    await domain.redis.xgroup('CREATE', stream, 'g', '0', 'MKSTREAM');
    await domain.redis.xadd(stream, '*', 'id', newId(), 'tenant', tenant);
    const sessions = vi.spyOn(domain.eraserLogin, 'inTenant');
    onTestFinished(() => sessions.mockRestore());
    // Streams are asked for once in each look.
    const batches: number[] = [];
    const eraser = domain.startEraser(() => {
      batches.push(sessions.mock.calls.length);
      return [{ stream, groups: ['g'] }];
    });
    await eraser.close([request(tenant)]);
    for (const looks of [1, 2])
      await eventually(
        () => batches.length,
        (count) => count >= looks,
        30_000,
      ).then(() => eraser.close([]));
    expect(batches[0]).toBeGreaterThan(1);
    expect(batches[1]).toBe(batches[0]);
    expect(await domain.answerOf(tenant)).toEqual([]);
    await domain.redis.xreadgroup('GROUP', 'g', 'c', 'NOACK', 'STREAMS', stream, '>');
    expect((await domain.erased(tenant))[0]).toMatchObject({ streamEntries: 1 });
  });

  it('looks at streams ever more seldom while entries wait, at last once a minute', async () => {
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    onTestFinished(() => clock.mockRestore());
    const stream = `test:seldom:${tenant}`;
    await domain.redis.xgroup('CREATE', stream, 'g', '0', 'MKSTREAM');
    await domain.redis.xadd(stream, '*', 'id', newId(), 'tenant', tenant);
    let looks = 0;
    const eraser = domain.startEraser(() => {
      looks += 1;
      return [{ stream, groups: ['g'] }];
    });
    await eraser.close([request(tenant)]);
    // Another one's erasure, which needs one look, is done behind it.
    const seconds = [0, 1, 2, 5, 6, 13, 14, 29, 30, 61, 62, 121, 122, 181, 182];
    const looked: number[] = [];
    for (const [others, second] of seconds.entries()) {
      const owner = newId();
      now = second * 1_000;
      await eraser.close([request(owner)]);
      await domain.erased(owner);
      looked.push(looks - others - 1);
    }
    expect(looked).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8]);
    expect(await domain.answerOf(tenant)).toEqual([]);
  });

  it('that fails keeps no later one waiting', async () => {
    for (const owner of [tenant, neighbour])
      await domain.base.admin.query('insert into alerts.rule_set values ($1, 1)', [owner]);
    await domain.base.admin.query(
      `create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
       create trigger refuse before delete on alerts.rule_set for each row when (old.tenant = '${tenant}')
         execute function public.refuse();`,
    );
    const eraser = domain.startEraser();
    await eraser.close([request(tenant), request(neighbour)]);
    await domain.erased(neighbour);
    expect(await domain.answerOf(tenant)).toEqual([]);
    await domain.base.admin.query('drop trigger refuse on alerts.rule_set');
    await domain.erased(tenant);
  });

  it('takes a bounded part at a time, and goes on where a killed process left it', async () => {
    const rows = 60_000;
    // Interleaved, so that both lie in every block.
    await domain.base.admin.query(
      `insert into alerts.ingest_batch select gen_random_uuid(), case n % 2 when 0 then $1::uuid else $2::uuid end, 1, 1, 1, 0, now()
       from generate_series(1, ${rows * 2}) n`,
      [tenant, neighbour],
    );
    await domain.close(tenant);
    // It cannot get past the last row before it is killed.
    await domain.base.admin.query('begin');
    await domain.base.admin.query(
      'select from alerts.ingest_batch where tenant = $1 order by ctid desc limit 1 for update',
      [tenant],
    );
    const killed = spawn(
      process.execPath,
      [ERASER_PROCESS, domain.base.urlOf('eraser'), inject('secretFile'), tenant],
      {
        stdio: 'inherit',
      },
    );
    const ended = once(killed, 'exit');
    const left = await eventually(
      () => domain.countRows(tenant),
      ({ ingest_batch: n = 0 }) => n < rows,
      30_000,
    );
    killed.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    await domain.base.admin.query('rollback');
    expect(left.ingest_batch).toBeGreaterThan(0);

    domain.startEraser();
    const [answer] = await domain.erased(tenant);
    expect(answer?.tables).toEqual({ ingest_batch: rows });
    expect((await domain.countRows(neighbour)).ingest_batch).toBe(rows);
  });

  it('waits for who is writing for the tenant, and refuses whoever comes later', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let hasWritten: () => void = () => undefined;
    const written = new Promise<void>((resolve) => {
      hasWritten = resolve;
    });
    const writer = domain.database.inTenant(tenant, async (em) => {
      await em.execute('insert into alerts.rule_set values (?, 1)', [tenant]);
      hasWritten();
      await held;
    });
    await written;
    const closing = domain.close(tenant);
    await eventually(
      async () =>
        (
          await domain.base.admin.query(
            `select 1 from pg_locks where locktype = 'advisory' and not granted
             and database = (select oid from pg_database where datname = current_database())`,
          )
        ).rowCount,
      (waiting) => waiting === 1,
    );
    expect(await isTenantErased(domain.database, tenant)).toBe(false);
    release();
    await Promise.all([writer, closing]);
    await expect(domain.record(tenant, 1)).rejects.toMatchObject({ code: 'TENANT_ERASED' });
    await domain.record(neighbour, 1);
    domain.startEraser();
    expect((await domain.erased(tenant))[0]?.tables).toEqual({ rule_set: 1 });
    expect(await domain.countRows(tenant)).toEqual({ erased_tenant: 1, erasure_request: 1 });
  });
});

describe('the role eraser', () => {
  async function as<T>(role: 'svc' | 'eraser', sql: string, owner = tenant): Promise<T[]> {
    const client = new Client({ connectionString: domain.base.urlOf(role) });
    await client.connect();
    try {
      await client.query(`select set_config('app.tenant', $1, false)`, [owner]);
      return (await client.query(sql)).rows as T[];
    } finally {
      await client.end();
    }
  }

  it('takes rows away of a closed tenant alone, and by its function alone', async () => {
    await domain.fill(tenant);
    await expect(as('eraser', `select alerts.erase_rows('event', 0)`)).rejects.toThrow(/no erasure allows this/);
    for (const table of ['event', 'alert', 'ingested_event', 'event_leaf'])
      for (const sql of [`select 1 from alerts.${table}`, `delete from alerts.${table}`])
        await expect(as('eraser', sql), sql).rejects.toThrow(/permission denied/);
    await domain.close(tenant);
    await expect(as('svc', `select alerts.erase_rows('event', 0)`)).rejects.toThrow(/permission denied/);
    for (const kept of ['event_leaf', 'tree_head', 'event_position', 'erased_tenant', 'erasure_request', 'nothing'])
      await expect(as('eraser', `select alerts.erase_rows('${kept}', 0)`), kept).rejects.toThrow(/no erasure allows/);
    expect(await as('eraser', `select alerts.erase_rows('rule_set', 0) as gone`)).toEqual([{ gone: 1 }]);
  });

  it('cannot close the tenant that stands for nobody, nor open one again', async () => {
    await expect(domain.close(NO_TENANT)).rejects.toThrow(/check constraint/);
    await domain.close(tenant);
    for (const table of ['erasure_request', 'erased_tenant'])
      for (const role of ['eraser', 'svc'] as const)
        await expect(as(role, `delete from alerts.${table}`), `${role} ${table}`).rejects.toThrow(/permission denied/);
  });
});
