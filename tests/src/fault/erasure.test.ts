/** A tenant leaves one domain: all of its rows, nobody else's, whatever is in flight, and the audit log still verifies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { verifyLog } from '@aurorasoc/kit/audit';
import type { Database } from '@aurorasoc/kit/database';
import {
  closeTenant,
  type ErasureEvents,
  eraseEntries,
  eraseRows,
  erasureEvents,
  isTenantErased,
  TenantEraser,
  type TenantStream,
} from '@aurorasoc/kit/erasure';
import { PoisonMessageError } from '@aurorasoc/kit/errors';
import { EventRecorder, eventStream, startEventPublisher } from '@aurorasoc/kit/events';
import { NO_TENANT, newId } from '@aurorasoc/kit/ids';
import { CaughtUp, CursorCodec, EventTail, openLive, ResyncRequired } from '@aurorasoc/kit/live';
import {
  connectRedis,
  deadLetterStream,
  deathsKey,
  handleOnce,
  MAX_ATTEMPTS,
  parseEntry,
  type RawEntry,
  type Redis,
  replayStream,
  type StreamEntry,
  startConsumer,
  whenReady,
} from '@aurorasoc/kit/streams';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { createAlertsDatabase, type DomainDatabase, redisUrl } from '../support/domain-database.js';
import { eventually } from '../support/wait.js';

const ERASER_PROCESS = fileURLToPath(new URL('../../dist/support/eraser-process.js', import.meta.url));
const EVENTS = eventStream('alerts');
const never = new AbortController().signal;
const things = new EventRecorder('alerts', 'test', { 'thing.changed': z.object({ secret: z.string() }) });
const answers = new EventRecorder<ErasureEvents>('alerts', 'test', erasureEvents);

let base: DomainDatabase;
let url: string;
let redis: Redis;
let database: Database;
let eraserLogin: Database;
let publisher: { stop(): Promise<void> };
let tenant: string;
let neighbour: string;

beforeAll(async () => {
  base = await createAlertsDatabase('erasure');
  url = await redisUrl();
  redis = connectRedis(url, 'test', base.health);
  await whenReady(redis, 5_000);
  database = await base.open('svc');
  eraserLogin = await base.open('eraser', 1);
  publisher = startEventPublisher({
    domain: 'alerts',
    databaseUrl: base.urlOf('relay'),
    redis,
    routes: {},
    log: base.log,
    health: base.health,
  });
});

afterAll(async () => {
  await publisher.stop();
  redis.disconnect();
  await base.close();
});

beforeEach(() => {
  tenant = newId();
  neighbour = newId();
});

async function record(owner: string, count: number): Promise<void> {
  await database.inTenant(owner, async (em) => {
    for (let n = 0; n < count; n++)
      await things.record(em, {
        type: 'thing.changed',
        subject: newId(),
        version: 1,
        tenant: owner,
        actor: { kind: 'user', id: 'ann' },
        data: { secret: `of ${owner}` },
        occurredAt: new Date(),
      });
  });
}

/** Rows in tables that refer to each other, in a partition, and beside row security. */
async function fill(owner: string): Promise<void> {
  await record(owner, 3);
  await base.admin.query(
    `select alerts.create_event_partition(current_date);
     insert into alerts.ingested_event (ingested, id, tenant, occurred_at, is_raw, terms, document)
       select now(), gen_random_uuid(), '${owner}', now(), false, '{1}', '{}' from generate_series(1, 5);
     insert into alerts.rule_set values ('${owner}', 1);
     with opened as (
       insert into alerts.alert (id, tenant, version, rule_id, title, description, severity, status, techniques, tactics, entities,
         grouping_key, fingerprint, count, first_seen_at, last_seen_at, opened_at, updated_at)
       select gen_random_uuid(), '${owner}', 1, gen_random_uuid(), 't', 'd', 'LOW', 'NEW', '{}', '{}', '[]', '{}', n::text, 1,
         now(), now(), now(), now() from generate_series(1, 4) n returning id
     ) insert into alerts.alert_event select id, gen_random_uuid(), '${owner}' from opened;`,
  );
}

/** Every table of the schema that names tenants, by the catalogue, with how many of its rows are this one's. */
async function countRows(owner: string): Promise<Record<string, number>> {
  const { rows: tables } = await base.admin.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'
     where c.relnamespace = 'alerts'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const { rows } = await base.admin.query<{ n: string }>(
      `select count(*) as n from alerts.${name} where tenant = $1`,
      [owner],
    );
    if (Number(rows[0]?.n) > 0) counts[name] = Number(rows[0]?.n);
  }
  return counts;
}

const verify = (owner: string) => database.inTenant(owner, (em) => verifyLog(em, 'alerts', owner));
const sealed = (owner: string, size: number) =>
  eventually(
    () => verify(owner),
    (report) => report.size === size,
  );

const close = (owner: string) => closeTenant(eraserLogin, { request: newId(), tenant: owner, erasureId: newId() });

function startEraser(streams: () => readonly TenantStream[] = () => [{ stream: EVENTS, groups: [] }]): TenantEraser {
  const eraser = new TenantEraser({
    database,
    eraser: eraserLogin,
    redis,
    recorder: answers,
    streams,
    log: base.log,
    health: base.health,
  });
  eraser.start();
  onTestFinished(() => eraser.stop());
  return eraser;
}

function request(tenantId: string, erasureId = newId()): StreamEntry {
  const body = JSON.stringify({
    time: new Date().toISOString(),
    actor: { kind: 'user', id: 'root' },
    data: { tenantId },
  });
  const fields = { type: 'tenant.erasure_requested', subject: erasureId, body };
  const stream = 'aurora:federation:erasures';
  return {
    stream,
    key: stream,
    entryId: '1-0',
    messageId: newId(),
    tenant: NO_TENANT,
    fields: new Map(Object.entries(fields)),
  };
}

async function answerOf(owner: string) {
  const { rows } = await base.admin.query<{
    data: { erasureId: string; requestId?: string; tables: Record<string, number>; streamEntries: number };
  }>(
    `select convert_from(body, 'UTF8')::jsonb -> 'data' as data from alerts.event
     where type = 'tenant.erased' and convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'tenantId' = $1 order by seq`,
    [owner],
  );
  return rows.map(({ data }) => data);
}

const erased = (owner: string, times = 1) =>
  eventually(
    () => answerOf(owner),
    (found) => found.length >= times,
    30_000,
  );

describe('an erasure', () => {
  it('leaves ids and hashes of the tenant, the audit log whole, and every row of others', async () => {
    await fill(tenant);
    await fill(neighbour);
    await sealed(tenant, 3);
    await sealed(neighbour, 3);
    const before = await countRows(neighbour);

    const eraser = startEraser();
    const asked = request(tenant);
    await eraser.close([asked]);
    await eraser.close([asked]);
    const [answer] = await erased(tenant);

    expect(await countRows(tenant)).toEqual({
      erased_tenant: 1,
      erasure_request: 1,
      event_leaf: 3,
      event_position: 3,
      tree_head: expect.any(Number),
    });
    expect(await countRows(neighbour)).toEqual(before);
    expect(before).toMatchObject({ alert: 4, alert_event: 4, event: 3, ingested_event: 5, rule_set: 1 });
    expect(answer).toMatchObject({
      tables: { alert: 4, alert_event: 4, event: 3, ingested_event: 5, rule_set: 1 },
      streamEntries: 3,
    });
    expect(await verify(tenant)).toMatchObject({ size: 3, withoutEvent: 3, fault: undefined });
    expect(await verify(neighbour)).toMatchObject({ size: 3, withoutEvent: 0, fault: undefined });
    expect(JSON.stringify(await redis.xrange(EVENTS, '-', '+'))).not.toContain(`of ${tenant}`);
    expect(JSON.stringify(await redis.xrange(EVENTS, '-', '+'))).toContain(`of ${neighbour}`);
  });

  it('tells its end once, also where two replicas work on it', async () => {
    await fill(tenant);
    const erasers = [startEraser(), startEraser()] as const;
    await erasers[0].close([request(tenant)]);
    await erasers[1].close([]);
    await erased(tenant);
    // The slower one may still be at it.
    await Promise.all(erasers.map((eraser) => eraser.stop()));
    const [answer, ...more] = await answerOf(tenant);
    expect(more).toEqual([]);
    expect(answer?.tables).toMatchObject({ alert: 4, event: 3, ingested_event: 5 });
  });

  it('is done and told once more whenever it is asked for again, and once for each request', async () => {
    await fill(tenant);
    const [first, second] = [newId(), newId()];
    // The last one is of a site that was restored to a time before it knew of the erasure.
    const asked = [request(tenant, first), request(tenant, first), request(tenant, second)] as const;
    // Some bring rows back, as a backup does.
    const bringBack = () => base.admin.query('insert into alerts.rule_set values ($1, 2)', [tenant]);
    const eraser = startEraser();
    await eraser.close([asked[0]]);
    await erased(tenant);
    await bringBack();
    // A stream that was wiped brings the first one again. Erasures are done in their order.
    await eraser.close([asked[0], request(neighbour)]);
    await erased(neighbour);
    expect(await answerOf(tenant)).toHaveLength(1);
    await eraser.close([asked[1]]);
    await erased(tenant, 2);
    expect(await countRows(tenant)).not.toHaveProperty('rule_set');
    await bringBack();
    await eraser.close(asked);
    const told = await erased(tenant, 3);
    expect(told.map(({ erasureId, requestId, tables }) => [erasureId, requestId, tables.rule_set])).toEqual([
      [first, asked[0].messageId, 1],
      [first, asked[1].messageId, 2],
      [second, asked[2].messageId, 3],
    ]);
    expect(await countRows(tenant)).toMatchObject({ erasure_request: 3 });
  });

  it('that is asked for again near its end has another pass over the rows', async () => {
    const stream = `test:again:${tenant}`;
    await redis.xadd(stream, '*', 'id', newId(), 'tenant', neighbour);
    const asked = [request(tenant), request(tenant)] as const;
    // Its rows are gone by the time at which it looks at streams.
    const attribute = async (entries: readonly StreamEntry[]) => {
      if ((await countRows(tenant)).erasure_request === 1) {
        await base.admin.query('insert into alerts.rule_set values ($1, 2)', [tenant]);
        await eraser.close([asked[1]]);
      }
      return entries;
    };
    const eraser = startEraser(() => [{ stream, groups: [], attribute }]);
    await eraser.close([asked[0]]);
    const told = await erased(tenant, 2);
    expect(told.map(({ requestId, tables }) => [requestId, tables])).toEqual([
      [asked[0].messageId, {}],
      [asked[1].messageId, { rule_set: 1 }],
    ]);
    expect(await countRows(tenant)).not.toHaveProperty('rule_set');
  });

  it('that was begun before requests were told apart goes on, and is answered as the oldest one', async () => {
    await base.admin.query(
      `drop table alerts.erasure_request;
       alter table alerts.erased_tenant add column erasure_id uuid, add column rows_gone_at timestamptz, add column finished_at timestamptz;
       update alerts.erased_tenant set erasure_id = gen_random_uuid(), rows_gone_at = now(), finished_at = now();`,
    );
    const erasureId = newId();
    await base.admin.query('insert into alerts.erased_tenant (tenant, erasure_id) values ($1, $2)', [
      tenant,
      erasureId,
    ]);
    await base.admin.query('insert into alerts.rule_set values ($1, 2)', [tenant]);
    await base.migrate();
    startEraser();
    const [answer] = await erased(tenant);
    expect(answer).toEqual({
      erasureId,
      tenantId: tenant,
      tables: { rule_set: 1 },
      streamEntries: 0,
      deadLetters: 0,
    });
    const { rows } = await base.admin.query('select from alerts.erasure_request where answered_at is null');
    expect(rows).toEqual([]);
  });

  it('reads no table again while it only waits for a group', async () => {
    await fill(tenant);
    const stream = `test:${tenant}`;
    await redis.xgroup('CREATE', stream, 'g', '0', 'MKSTREAM');
    await redis.xadd(stream, '*', 'id', newId(), 'tenant', tenant);
    const sessions = vi.spyOn(eraserLogin, 'inTenant');
    onTestFinished(() => sessions.mockRestore());
    // Streams are asked for once in each look.
    const batches: number[] = [];
    const eraser = startEraser(() => {
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
    expect(await answerOf(tenant)).toEqual([]);
    await redis.xreadgroup('GROUP', 'g', 'c', 'NOACK', 'STREAMS', stream, '>');
    expect((await erased(tenant))[0]).toMatchObject({ streamEntries: 1 });
  });

  it('looks at streams ever more seldom while entries wait, at last once a minute', async () => {
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    onTestFinished(() => clock.mockRestore());
    const stream = `test:seldom:${tenant}`;
    await redis.xgroup('CREATE', stream, 'g', '0', 'MKSTREAM');
    await redis.xadd(stream, '*', 'id', newId(), 'tenant', tenant);
    let looks = 0;
    const eraser = startEraser(() => {
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
      await erased(owner);
      looked.push(looks - others - 1);
    }
    expect(looked).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8]);
    expect(await answerOf(tenant)).toEqual([]);
  });

  it('that fails keeps no later one waiting', async () => {
    for (const owner of [tenant, neighbour])
      await base.admin.query('insert into alerts.rule_set values ($1, 1)', [owner]);
    await base.admin.query(
      `create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
       create trigger refuse before delete on alerts.rule_set for each row when (old.tenant = '${tenant}')
         execute function public.refuse();`,
    );
    const eraser = startEraser();
    await eraser.close([request(tenant), request(neighbour)]);
    await erased(neighbour);
    expect(await answerOf(tenant)).toEqual([]);
    await base.admin.query('drop trigger refuse on alerts.rule_set');
    await erased(tenant);
  });

  it('takes a bounded part at a time, and goes on where a killed process left it', async () => {
    const rows = 60_000;
    // Interleaved, so that both lie in every block.
    await base.admin.query(
      `insert into alerts.ingest_batch select gen_random_uuid(), case n % 2 when 0 then $1::uuid else $2::uuid end, 1, 1, 1, 0, now()
       from generate_series(1, ${rows * 2}) n`,
      [tenant, neighbour],
    );
    await close(tenant);
    // It cannot get past the last row before it is killed.
    await base.admin.query('begin');
    await base.admin.query('select from alerts.ingest_batch where tenant = $1 order by ctid desc limit 1 for update', [
      tenant,
    ]);
    const killed = spawn(process.execPath, [ERASER_PROCESS, base.urlOf('eraser'), inject('secretFile'), tenant], {
      stdio: 'inherit',
    });
    const ended = once(killed, 'exit');
    const left = await eventually(
      () => countRows(tenant),
      ({ ingest_batch: n = 0 }) => n < rows,
      30_000,
    );
    killed.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    await base.admin.query('rollback');
    expect(left.ingest_batch).toBeGreaterThan(0);

    startEraser();
    const [answer] = await erased(tenant);
    expect(answer?.tables).toEqual({ ingest_batch: rows });
    expect((await countRows(neighbour)).ingest_batch).toBe(rows);
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
    const writer = database.inTenant(tenant, async (em) => {
      await em.execute('insert into alerts.rule_set values (?, 1)', [tenant]);
      hasWritten();
      await held;
    });
    await written;
    const closing = close(tenant);
    await eventually(
      async () =>
        (
          await base.admin.query(
            `select 1 from pg_locks where locktype = 'advisory' and not granted
             and database = (select oid from pg_database where datname = current_database())`,
          )
        ).rowCount,
      (waiting) => waiting === 1,
    );
    expect(await isTenantErased(database, tenant)).toBe(false);
    release();
    await Promise.all([writer, closing]);
    await expect(record(tenant, 1)).rejects.toMatchObject({ code: 'TENANT_ERASED' });
    await record(neighbour, 1);
    startEraser();
    expect((await erased(tenant))[0]?.tables).toEqual({ rule_set: 1 });
    expect(await countRows(tenant)).toEqual({ erased_tenant: 1, erasure_request: 1 });
  });

  it('leaves entries that a group has not finished until it has', async () => {
    await redis.xgroup('CREATE', 'test:work', 'g', '0', 'MKSTREAM');
    const add = (owner: string) => redis.xadd('test:work', '*', 'id', newId(), 'tenant', owner) as Promise<string>;
    const [first, second] = [await add(tenant), await add(neighbour)];
    const third = await add(tenant);
    await redis.xadd(deadLetterStream('test:work'), '*', 'id', newId(), 'tenant', tenant);
    await redis.xreadgroup('GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', 'test:work', '>');
    const erase = () => eraseEntries(redis, [{ stream: 'test:work', groups: ['g'] }], tenant, never);
    expect(await erase()).toEqual({ entries: 0, letters: 1, waiting: 2 });
    await redis.xack('test:work', 'g', first);
    expect(await erase()).toEqual({ entries: 1, letters: 0, waiting: 1 });
    await redis.xreadgroup('GROUP', 'g', 'c', 'STREAMS', 'test:work', '>');
    await redis.xack('test:work', 'g', second, third);
    expect(await erase()).toEqual({ entries: 1, letters: 0, waiting: 0 });
    expect((await redis.xrange('test:work', '-', '+')).map(([id]) => id)).toEqual([second]);
  });
});

describe('the entries of a tenant', () => {
  const streamOf = (name: string) => ({ stream: `test:${name}:${tenant}` });
  const add = (stream: string, fields: Record<string, string>) =>
    redis.xadd(stream, '*', 'id', newId(), ...Object.entries(fields).flat());

  it('wait for no group that is left behind, nor does what was to be given to it again', async () => {
    const { stream } = streamOf('left');
    const add = (key: string) => redis.xadd(key, '*', 'id', newId(), 'tenant', tenant);
    for (const group of ['own', 'left']) await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
    await redis.xgroup('CREATE', replayStream(stream, 'left'), 'left', '0', 'MKSTREAM');
    for (const key of [stream, replayStream(stream, 'left')]) await add(key);
    await redis.xreadgroup('GROUP', 'own', 'c', 'NOACK', 'STREAMS', stream, '>');
    const source = { stream, groups: ['own'] };
    const erase = () => eraseEntries(redis, [source], tenant, never);
    expect(await erase()).toEqual({ entries: 2, letters: 0, waiting: 0 });
    await add(replayStream(stream, 'own'));
    await redis.xgroup('CREATE', replayStream(stream, 'own'), 'own', '0');
    expect(await erase()).toEqual({ entries: 0, letters: 0, waiting: 1 });
  });

  it('wait for no group that does not exist, as of a role that the site has not; it begins with what is left', async () => {
    const { stream } = streamOf('absent');
    await add(stream, { tenant });
    await add(stream, { tenant: neighbour });
    expect(await eraseEntries(redis, [{ stream, groups: ['absent'] }], tenant, never)).toMatchObject({
      entries: 1,
      waiting: 0,
    });
    await redis.xgroup('CREATE', stream, 'absent', '0');
    const read = (await redis.xreadgroup('GROUP', 'absent', 'c', 'STREAMS', stream, '>')) as [string, RawEntry[]][];
    expect(read[0]?.[1].map((raw) => parseEntry(stream, raw).tenant)).toEqual([neighbour]);
  });

  it('are found without what they hold coming over', async () => {
    const { stream } = streamOf('large');
    for (let n = 0; n < 120; n++) await add(stream, { body: 'x'.repeat(50_000), tenant: n % 2 ? tenant : neighbour });
    const before = redis.stream.bytesRead;
    expect(await eraseEntries(redis, [{ stream, groups: [] }], tenant, never)).toEqual({
      entries: 60,
      letters: 0,
      waiting: 0,
    });
    expect(redis.stream.bytesRead - before).toBeLessThan(60_000);
    expect(await redis.xlen(stream)).toBe(60);
  });

  it('are found by who can tell whose they are, where they name no tenant', async () => {
    const { stream } = streamOf('telemetry');
    for (const key of [stream, deadLetterStream(stream)])
      for (const device of ['leaving', 'staying']) await add(key, { tenant: '', device, body: 'x'.repeat(1_000) });
    const attribute = async (entries: readonly StreamEntry[]) =>
      entries.map((entry) => (entry.fields.get('device') === 'leaving' ? { ...entry, tenant } : entry));
    const source = { stream, groups: [], attribute };
    expect(await eraseEntries(redis, [source], tenant, never)).toEqual({ entries: 1, letters: 1, waiting: 0 });
    for (const key of [stream, deadLetterStream(stream)])
      expect((await redis.xrange(key, '-', '+')).map(([, fields]) => fields[5])).toEqual(['staying']);
  });

  it('are left where they are once the process is to stop', async () => {
    const { stream } = streamOf('stopping');
    for (let n = 0; n < 120; n++) await add(stream, { tenant: '' });
    const stop = new AbortController();
    const attribute = async (entries: readonly StreamEntry[]) => {
      stop.abort();
      return entries.map((entry) => ({ ...entry, tenant }));
    };
    const { entries } = await eraseEntries(redis, [{ stream, groups: [], attribute }], tenant, stop.signal);
    expect(entries).toBeGreaterThan(0);
    expect(await redis.xlen(stream)).toBe(120 - entries);
    expect(entries).toBeLessThan(120);
  });
});

describe('what comes late for an erased tenant', () => {
  it('is discarded, told of, and buried nowhere, readable or not', async () => {
    await close(tenant);
    const discarded: string[] = [];
    const handle = handleOnce(database, 'late', async (em, fresh) => {
      for (const entry of fresh)
        await em.execute('insert into alerts.rule_set values (?, 1) on conflict do nothing', [entry.tenant]);
    });
    const fatal = newId();
    await redis.xgroup('CREATE', 'test:late', 'late', '0', 'MKSTREAM');
    const fatalEntry = String(await redis.xadd('test:late', '*', 'id', fatal, 'tenant', tenant));
    await redis.xreadgroup('GROUP', 'late', 'c', 'COUNT', 1, 'STREAMS', 'test:late', '>');
    await redis.hset(deathsKey('test:late', 'late'), fatalEntry, MAX_ATTEMPTS);
    const consumer = startConsumer({
      streams: ['test:late'],
      group: 'late',
      consumer: 'c',
      redis,
      reader: connectRedis(url, 'test reader', base.health),
      handle: async (entries) => {
        if (entries.some(({ fields }) => fields.has('broken'))) throw new PoisonMessageError('It cannot be read');
        await handle(entries);
      },
      isErased: (owner) => isTenantErased(database, owner),
      discard: async (entries) => void discarded.push(...entries.map(({ messageId }) => messageId)),
      log: base.log,
      health: base.health,
      blockMs: 50,
    });
    onTestFinished(() => consumer.stop());
    const ids = [newId(), newId()];
    await redis.xadd('test:late', '*', 'id', ids[0] ?? '', 'tenant', tenant);
    await redis.xadd('test:late', '*', 'id', ids[1] ?? '', 'tenant', tenant, 'broken', '1');
    await redis.xadd('test:late', '*', 'id', newId(), 'tenant', neighbour, 'broken', '1');
    await redis.xadd('test:late', '*', 'id', newId(), 'tenant', neighbour);
    await eventually(
      () => countRows(neighbour),
      ({ rule_set: n }) => n === 1,
    );
    expect(discarded).toEqual([fatal, ...ids]);
    expect(await countRows(tenant)).toEqual({ erased_tenant: 1, erasure_request: 1 });
    const letters = JSON.stringify(await redis.xrange(deadLetterStream('test:late'), '-', '+'));
    expect(letters).toContain(neighbour);
    expect(letters).not.toContain(tenant);
    const { rowCount } = await base.admin.query(`select 1 from alerts.inbox where message_id = any ($1)`, [ids]);
    expect(rowCount).toBe(0);
    const counted = async (what: string): Promise<number | undefined> => {
      const metric = await base.health.metrics.getSingleMetric(`aurora_stream_${what}_total`)?.get();
      return metric?.values.find(({ labels }) => labels.group === 'late')?.value;
    };
    // Counted once it is acknowledged, which comes after the effect.
    await eventually(
      () => counted('entries'),
      (count) => count !== undefined,
    );
    expect([await counted('entries'), await counted('discarded'), await counted('dead_letters')]).toEqual([1, 3, 1]);
  });
});

describe('whoever follows an erased tenant', () => {
  it('is told to query again, and nothing of it after that', async () => {
    const reader = connectRedis(url, 'test tail', base.health);
    const tail = new EventTail({ database, reader, log: base.log, health: base.health });
    tail.start();
    onTestFinished(() => tail.stop());
    await eventually(
      () => tail.epoch,
      (epoch) => epoch !== undefined,
    );
    const source = { database, tail, cursors: new CursorCodec(base.secret, 'alerts') };
    const follow = (owner: string, after?: string) =>
      openLive(source, { tenant: owner, after, toItem: (event) => event.body });
    const live = follow(tenant);
    const [begin] = [(await live.next()).value as CaughtUp];
    const last = tail.last;
    await record(tenant, 2);
    await record(neighbour, 1);
    await eventually(
      () => tail.last,
      (position) => position === last + 3,
    );
    expect((await live.next()).value).toContain(`of ${tenant}`);
    tail.forget([tenant]);
    // One more was ready by then.
    expect((await live.next()).value).toBeInstanceOf(ResyncRequired);
    expect((await live.next()).value).toBeInstanceOf(CaughtUp);
    const resumed = follow(tenant, begin.cursor);
    expect((await resumed.next()).value).toBeInstanceOf(ResyncRequired);
    expect((await resumed.next()).value).toBeInstanceOf(CaughtUp);
    expect((await follow(tenant).next()).value).toBeInstanceOf(CaughtUp);
    expect((await follow(neighbour, begin.cursor).next()).value).toContain(`of ${neighbour}`);
  });
});

describe('a relay whose last event was erased', () => {
  it('fills a wiped stream again all the same', async () => {
    await record(neighbour, 1);
    await record(tenant, 1);
    await eventually(
      () => redis.xrange(EVENTS, '-', '+'),
      (entries) => JSON.stringify(entries).includes(tenant),
    );
    await close(tenant);
    await eraseRows(eraserLogin, tenant, never);
    // After the first refill the relay stands before the erased event, which it can never publish.
    for (let wipe = 0; wipe < 2; wipe++) {
      await redis.del(EVENTS);
      await eventually(
        () => redis.xrange(EVENTS, '-', '+'),
        (entries) => JSON.stringify(entries).includes(neighbour),
      );
      expect(JSON.stringify(await redis.xrange(EVENTS, '-', '+'))).not.toContain(tenant);
    }
  });
});

describe('the role eraser', () => {
  async function as<T>(role: 'svc' | 'eraser', sql: string, owner = tenant): Promise<T[]> {
    const client = new Client({ connectionString: base.urlOf(role) });
    await client.connect();
    try {
      await client.query(`select set_config('app.tenant', $1, false)`, [owner]);
      return (await client.query(sql)).rows as T[];
    } finally {
      await client.end();
    }
  }

  it('takes rows away of a closed tenant alone, and by its function alone', async () => {
    await fill(tenant);
    await expect(as('eraser', `select alerts.erase_rows('event', 0)`)).rejects.toThrow(/no erasure allows this/);
    for (const table of ['event', 'alert', 'ingested_event', 'event_leaf'])
      for (const sql of [`select 1 from alerts.${table}`, `delete from alerts.${table}`])
        await expect(as('eraser', sql), sql).rejects.toThrow(/permission denied/);
    await close(tenant);
    await expect(as('svc', `select alerts.erase_rows('event', 0)`)).rejects.toThrow(/permission denied/);
    for (const kept of ['event_leaf', 'tree_head', 'event_position', 'erased_tenant', 'erasure_request', 'nothing'])
      await expect(as('eraser', `select alerts.erase_rows('${kept}', 0)`), kept).rejects.toThrow(/no erasure allows/);
    expect(await as('eraser', `select alerts.erase_rows('rule_set', 0) as gone`)).toEqual([{ gone: 1 }]);
  });

  it('cannot close the tenant that stands for nobody, nor open one again', async () => {
    await expect(close(NO_TENANT)).rejects.toThrow(/check constraint/);
    await close(tenant);
    for (const table of ['erasure_request', 'erased_tenant'])
      for (const role of ['eraser', 'svc'] as const)
        await expect(as(role, `delete from alerts.${table}`), `${role} ${table}`).rejects.toThrow(/permission denied/);
  });
});
