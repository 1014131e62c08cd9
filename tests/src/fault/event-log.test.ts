/** Order and completeness of domain events: sequencer and relay under concurrent writers, rollbacks and a wiped Redis. */
import { EventRecorder, firstPositionAfter, startEventPublisher } from '@aurorasoc/kit/events';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { connectRedis, type Redis, whenReady } from '@aurorasoc/kit/streams';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { createAlertsDatabase, type DomainDatabase, redisUrl } from '../support/domain-database.js';
import { eventually } from '../support/wait.js';

const TENANT = '0198c0de-0000-7000-8000-00000000000a';
const STREAM = 'aurora:alerts:events';
const ROUTED = 'aurora:test:routed';
const schemas = { 'thing.changed': z.object({ n: z.number() }), 'thing.routed': z.object({ n: z.number() }) };
const recorder = new EventRecorder('alerts', 'test', schemas);

let base: DomainDatabase;
let redis: Redis;
let publisher: { stop(): Promise<void> };
const publish = (health: Health, refilled?: readonly string[]) =>
  startEventPublisher({
    domain: 'alerts',
    databaseUrl: base.urlOf('relay'),
    redis,
    routes: { 'thing.routed': ROUTED },
    ...(refilled && { refilled }),
    log: base.log,
    health,
  });

beforeAll(async () => {
  base = await createAlertsDatabase('event_log');
  redis = connectRedis(await redisUrl(), 'test', base.health);
  await whenReady(redis, 5_000);
  publisher = publish(base.health);
});

afterAll(async () => {
  await publisher.stop();
  redis.disconnect();
  await base.close();
});

async function positions(): Promise<number> {
  const { rows } = await base.admin.query<{ last: string }>(
    'select coalesce(max(position), 0) as last from alerts.event_position',
  );
  return Number(rows[0]?.last);
}

/** So many events, told in one statement. */
async function write(count: number, type: keyof typeof schemas = 'thing.changed'): Promise<void> {
  const database = await base.open('svc');
  const told = Array.from({ length: count }, (_, n) => ({
    type,
    subject: newId(),
    version: 1,
    tenant: TENANT,
    actor: { kind: 'user' as const, id: 'ann' },
    data: { n },
    occurredAt: new Date(),
  }));
  await database.inTenant(TENANT, (em) => recorder.recordAll(em, told));
}

const streamLength = (): Promise<number> => redis.xlen(STREAM);

describe('the event log', () => {
  it('gives dense positions in version order, whatever the writers do, while an unrelated transaction stays open', async () => {
    const database = await base.open('svc', 12);
    await base.admin.query('create table if not exists public.thing (id text primary key, version integer not null)');
    await base.admin.query('grant select, insert, update on public.thing to alerts_svc');
    await base.admin.query(`insert into public.thing select 'thing-' || n, 0 from generate_series(0, 19) n`);
    // Holds an old snapshot and a transaction id from before every write.
    await base.admin.query('begin');
    await base.admin.query('create table public.unrelated (n integer)');
    const writers = Array.from({ length: 12 }, async (_, writer) => {
      let committed = 0;
      for (let n = 0; n < 50; n++) {
        const thing = `thing-${(writer * 7 + n * 3) % 20}`;
        try {
          await database.inTenant(TENANT, async (em) => {
            const [row] = (await em.execute(
              'update public.thing set version = version + 1 where id = ? returning version',
              [thing],
            )) as { version: number }[];
            await recorder.record(em, {
              type: 'thing.changed',
              subject: thing,
              version: row?.version ?? 0,
              tenant: TENANT,
              actor: { kind: 'service', id: 'test' },
              data: { n },
              occurredAt: new Date(),
            });
            if (n % 9 === writer % 9) await new Promise((resolve) => setTimeout(resolve, 3));
            if (n % 10 === writer % 10) throw new Error('rolled back on purpose');
          });
          committed++;
        } catch (error) {
          if (!(error instanceof Error) || error.message !== 'rolled back on purpose') throw error;
        }
      }
      return committed;
    });
    const committed = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
    expect(committed).toBe(12 * 45);
    await eventually(positions, (last) => last >= committed);
    await base.admin.query('rollback');

    const { rows } = await base.admin.query<{ position: string; subject: string; version: number }>(
      'select position, subject, version from alerts.event_position join alerts.event using (seq) order by position',
    );
    expect(rows.map((row) => Number(row.position))).toEqual(Array.from({ length: committed }, (_, index) => index + 1));
    for (const [subject, events] of Map.groupBy(rows, (row) => row.subject)) {
      expect(
        events.map((event) => event.version),
        subject,
      ).toEqual(events.map((_, index) => index + 1));
    }
    await eventually(streamLength, (length) => length === committed);
  });

  it('goes on at the same pace beside a transaction that has been open while a hundred thousand events went by', async () => {
    const holder = new Client({ connectionString: base.urlOf('svc') });
    await holder.connect();
    onTestFinished(() => holder.end());
    await holder.query('begin');
    await holder.query('select pg_current_xact_id()');
    // No rows by the statistics, but the rows of former events cannot go before that transaction does.
    await base.admin.query(
      `begin;
       insert into alerts.event_pending select -n, gen_random_uuid() from generate_series(1, 100000) n;
       delete from alerts.event_pending where seq < 0;
       commit`,
    );
    await base.admin.query('vacuum analyze alerts.event_pending');
    const before = await positions();
    await write(2_000);
    // Well below a second; with a walk over those rows for each event ten.
    await eventually(positions, (last) => last === before + 2_000, 4_000);
    await holder.query('rollback');
    await eventually(streamLength, (length) => length === before + 2_000);
  });

  it('gives events of one statement positions in the order in which they were told', async () => {
    const database = await base.open('svc');
    const [first, second] = [newId(), newId()];
    const told = Array.from({ length: 30 }, (_, n) => ({ subject: n % 3 === 0 ? second : first, n }));
    const versions = new Map<string, number>();
    const before = await positions();
    await database.inTenant(TENANT, async (em) => {
      const events = told.map(({ subject, n }) => {
        versions.set(subject, (versions.get(subject) ?? 0) + 1);
        return {
          type: 'thing.changed' as const,
          subject,
          version: versions.get(subject) ?? 0,
          tenant: TENANT,
          actor: { kind: 'user' as const, id: 'a "b" \\ {c}' },
          data: { n },
          occurredAt: new Date(),
        };
      });
      await recorder.recordAll(em, []);
      await recorder.recordAll(em, events);
    });
    await eventually(positions, (last) => last >= before + told.length);
    const { rows } = await base.admin.query<{ subject: string; body: { actor: { id: string }; data: { n: number } } }>(
      `select subject, convert_from(body, 'UTF8')::json as body from alerts.event_position join alerts.event using (seq)
       where position > $1 order by position`,
      [before],
    );
    expect(rows.map(({ subject, body }) => ({ subject, n: body.data.n }))).toEqual(told);
    expect(rows[0]?.body.actor.id).toBe('a "b" \\ {c}');
  });

  it('routes chosen types to a second stream, under the same position', async () => {
    await write(1, 'thing.routed');
    const [entry] = await eventually(
      () => redis.xrange(ROUTED, '-', '+'),
      (entries) => entries.length === 1,
    );
    expect(entry?.[0]).toBe(`${await positions()}-0`);
  });

  it('fills a wiped stream again from the table, without a hole', async () => {
    const expected = await positions();
    await redis.flushdb();
    await eventually(streamLength, (length) => length === expected);
    const ids = (await redis.xrange(STREAM, '-', '+')).map(([id]) => Number(id.split('-')[0]));
    expect(ids).toEqual(Array.from({ length: expected }, (_, index) => index + 1));
  });

  it('counts what was written while Redis was away, and publishes it', async () => {
    const waiting = async (): Promise<number | undefined> =>
      (await base.health.metrics.getSingleMetric('aurora_outbox_pending')?.get())?.values[0]?.value;
    const database = await base.open('svc');
    const before = await positions();
    redis.disconnect();
    await database.inTenant(TENANT, (em) =>
      recorder.record(em, {
        type: 'thing.changed',
        subject: newId(),
        version: 1,
        tenant: TENANT,
        actor: { kind: 'user', id: 'ann' },
        data: { n: 2 },
        occurredAt: new Date(),
      }),
    );
    await eventually(positions, (last) => last === before + 1);
    await eventually(waiting, (count) => count === 1);
    await redis.connect();
    await eventually(streamLength, (length) => length === before + 1);
    await eventually(waiting, (count) => count === 0);
  });

  it('rests beside a stream that is empty because everything was published too long ago', async () => {
    await base.admin.query(`update alerts.event set occurred_at = now() - interval '25 hours'`);
    await redis.flushdb();
    const publishes = vi.spyOn(redis as Redis & { publishEvents(): Promise<string> }, 'publishEvents');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    // Once a second it asks where the stream stands; a relay that spins asks hundreds of times.
    expect(publishes.mock.calls.length).toBeGreaterThan(0);
    expect(publishes.mock.calls.length).toBeLessThan(10);
    expect(await streamLength()).toBe(0);
  });

  describe('that another process publishes from now on', () => {
    const lastInTable = async () => {
      const { rows } = await base.admin.query<{ position: string; id: string }>(
        'select position, id from alerts.event_position join alerts.event using (seq) order by position desc limit 1',
      );
      return [`${rows[0]?.position}-0`, rows[0]?.id];
    };
    const lastOnStream = async () => {
      const [[id, fields] = []] = (await redis.xrevrange(STREAM, '+', '-', 'COUNT', 1)) as [string, string[]][];
      return [id, fields?.[fields.indexOf('id') + 1]];
    };
    /** Everything has its position, and the stream ends with the last of the table. */
    const settled = () =>
      eventually(
        async () => {
          const { rowCount } = await base.admin.query('select from alerts.event_pending limit 1');
          return rowCount === 0 && String(await lastOnStream()) === String(await lastInTable());
        },
        (isSettled) => isSettled,
      );

    it('goes on with other events at the same positions when the table went back and has overtaken the stream since', async () => {
      await write(5);
      await settled();
      const before = await redis.get('aurora:alerts:epoch');
      await publisher.stop();
      // As a replica that had not got the last three, to which five others were written before anybody published.
      await base.admin.query(
        `with lost as (delete from alerts.event_position where position > (select max(position) - 3 from alerts.event_position) returning seq)
         delete from alerts.event using lost where event.seq = lost.seq`,
      );
      await write(5);
      await base.admin.query(
        `with taken as (delete from alerts.event_pending returning seq, tenant)
         insert into alerts.event_position (position, seq, tenant)
         select (select max(position) from alerts.event_position) + row_number() over (order by seq), seq, tenant from taken`,
      );
      publisher = publish(new Health('alerts'));
      await settled();
      expect(await redis.get('aurora:alerts:epoch')).not.toBe(before);
      const { rows } = await base.admin.query<{ id: string }>(
        'select id from alerts.event_position join alerts.event using (seq) order by position desc limit 5',
      );
      const entries = (await redis.xrevrange(STREAM, '+', '-', 'COUNT', 5)) as [string, string[]][];
      expect(entries.map(([, fields]) => fields[fields.indexOf('id') + 1])).toEqual(rows.map(({ id }) => id));
    });

    it('keeps the epoch that the former one began, and the streams with it', async () => {
      const standby = publish(new Health('alerts'));
      // It has connected, and waits to lead.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const epoch = 'a1b2c3d4e5f60718';
      await publisher.stop();
      await base.admin.query('update alerts.event_epoch set epoch = $1', [epoch]);
      await redis.set('aurora:alerts:epoch', epoch);
      const length = await streamLength();
      publisher = standby;
      await write(1);
      await settled();
      expect(await redis.get('aurora:alerts:epoch')).toBe(epoch);
      expect(await streamLength()).toBe(length + 1);
    });
  });

  it('fills a wiped stream again with what somebody needs: of the last minute all, before that what is read or routed', async () => {
    await publisher.stop();
    publisher = publish(new Health('refilling'), ['thing.read']);
    const before = await positions();
    await write(200);
    await write(1, 'thing.routed');
    await write(200);
    await eventually(positions, (position) => position === before + 401);
    await base.admin.query(`update alerts.event set occurred_at = now() - interval '2 minutes'`);
    await write(5);
    const last = await eventually(positions, (position) => position === before + 406);
    await redis.flushdb();
    const read = async (stream: string): Promise<number[]> =>
      (await redis.xrange(stream, '-', '+')).map(([id]) => Number.parseInt(id, 10));
    const onStream = await eventually(
      () => read(STREAM),
      (found) => found.at(-1) === last,
    );
    const routed = await read(ROUTED);
    expect(routed).toContain(before + 201);
    expect(onStream).toEqual(expect.arrayContaining(routed));
    const others = onStream.filter((position) => !routed.includes(position));
    // What is looked at to find the last minute may come with it.
    expect(others[0]).toBeGreaterThan(last - 60);
    expect(others.slice(-5)).toEqual([last - 4, last - 3, last - 2, last - 1, last]);
  });

  it('finds where a window of time begins, also behind events that are gone, and in spite of a clock that went wrong', async () => {
    const before = await positions();
    await write(400);
    const last = await eventually(positions, (position) => position === before + 400);
    const begins = last - 199;
    const at = 'where seq in (select seq from alerts.event_position where position';
    await base.admin.query(`update alerts.event set occurred_at = now() - interval '2 hours' ${at} < $1)`, [begins]);
    // A host whose clock is days slow writes every tenth.
    await base.admin.query(
      `update alerts.event set occurred_at = now() - interval '2 days' ${at} >= $1 and position % 10 = 0)`,
      [begins],
    );
    const find = (hours: number): Promise<number> =>
      firstPositionAfter(base.admin, 'alerts', new Date(Date.now() - hours * 3_600_000), last);
    const expectBegin = async (): Promise<void> => {
      const found = await find(1);
      // As many events as are looked at, and the hole.
      expect(found).toBeGreaterThanOrEqual(begins - 50 - 26);
      expect(found).toBeLessThanOrEqual(begins);
    };
    await expectBegin();
    expect(await find(-1)).toBe(last + 1);
    await base.admin.query(`delete from alerts.event ${at} between $1 and $2)`, [begins - 30, begins - 5]);
    await expectBegin();
  });

  it('refuses a second event for the same version of an entity', async () => {
    const database = await base.open('svc');
    const subject = newId();
    const write = () =>
      database.inTenant(TENANT, (em) =>
        recorder.record(em, {
          type: 'thing.changed',
          subject,
          version: 1,
          tenant: TENANT,
          actor: { kind: 'user', id: 'ann' },
          data: { n: 3 },
          occurredAt: new Date(),
        }),
      );
    await write();
    await expect(write()).rejects.toThrow(/event_subject_version/);
  });
});
