/**
 * What a domain's parts do while PostgreSQL or Redis is gone, silent or slow: typed answers in time, nothing lost, and work
 * goes on without a restart.
 */
import { Database } from '@aurorasoc/kit/database';
import { EventRecorder, startEventPublisher } from '@aurorasoc/kit/events';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import { CaughtUp, CursorCodec, EventTail, openLive } from '@aurorasoc/kit/live';
import {
  type Consumer,
  connectRedis,
  handleOnce,
  type Redis,
  replayStream,
  startConsumer,
  whenReady,
} from '@aurorasoc/kit/streams';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createAlertsDatabase, type DomainDatabase } from '../support/domain-database.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type OwnRedis, startOwnRedis } from '../support/own-redis.js';
import { between, seededRandom } from '../support/random.js';
import { eventually } from '../support/wait.js';

const TENANT = newId();
const STREAM = 'aurora:alerts:events';
const recorder = new EventRecorder('alerts', 'test', { 'thing.changed': z.object({ n: z.number() }) });

let base: DomainDatabase;
let postgres: FaultProxy;
let ownRedis: OwnRedis;
let redisProxy: FaultProxy;
let database: Database;
let health: Health;
let redis: Redis;
let publisher: { stop(): Promise<void> };
let consumer: Consumer;

beforeAll(async () => {
  base = await createAlertsDatabase('services_away');
  await base.admin.query('create table public.effect (id text not null)');
  await base.admin.query('grant select, insert on public.effect to alerts_svc');
  postgres = await startFaultProxy(base.urlOf('svc'));
  ownRedis = await startOwnRedis();
  redisProxy = await startFaultProxy(ownRedis.url);
  health = new Health('test');
  database = await Database.open({
    domain: 'alerts',
    role: 'svc',
    url: postgres.url,
    secret: base.secret,
    entities: [],
    log: base.log,
    health,
  });
  redis = connectRedis(redisProxy.url, 'test', health);
  await whenReady(redis, 5_000);
  const relay = new URL(base.urlOf('relay'));
  relay.port = String(postgres.port);
  publisher = startEventPublisher({
    domain: 'alerts',
    databaseUrl: relay.href,
    redis: connectRedis(redisProxy.url, 'relay', health),
    routes: {},
    log: base.log,
    health,
  });
  consumer = startConsumer({
    streams: [STREAM],
    group: 'effects',
    consumer: 'c',
    redis,
    reader: connectRedis(redisProxy.url, 'reader', health),
    handle: handleOnce(database, 'effects', async (em, fresh) => {
      for (const { messageId } of fresh) await em.execute('insert into public.effect values (?)', [messageId]);
    }),
    log: base.log,
    health,
    blockMs: 100,
    takeOverMs: 1_000,
  });
});

afterEach(async () => {
  await Promise.all([postgres.heal(), redisProxy.heal()]);
});

afterAll(async () => {
  await consumer.stop();
  await publisher.stop();
  redis.disconnect();
  await database.close();
  await Promise.all([postgres.stop(), redisProxy.stop()]);
  await ownRedis.stop();
  await base.close();
});

let written = 0;
async function change(): Promise<void> {
  await database.inTenant(TENANT, (em) =>
    recorder.record(em, {
      type: 'thing.changed',
      subject: newId(),
      version: 1,
      tenant: TENANT,
      actor: { kind: 'user', id: 'ann' },
      data: { n: written },
      occurredAt: new Date(),
    }),
  );
  written += 1;
}

/** Every change has its one effect, read behind the product's back. */
async function expectAllEffects(): Promise<void> {
  const effects = async () =>
    (
      await base.admin.query<{ all: string; distinct: string }>(
        'select count(*) as all, count(distinct id) as distinct from public.effect',
      )
    ).rows[0];
  const seen = await eventually(effects, (row) => Number(row?.distinct) >= written, 20_000);
  expect(seen).toEqual({ all: String(written), distinct: String(written) });
}

const stateOf = (component: string) => health.report().components[component]?.state;

/** What a caller gets, and how long it took to get it. */
async function attempt(): Promise<{ error: unknown; ms: number }> {
  const startedAt = performance.now();
  const error = await change().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, ms: performance.now() - startedAt };
}

describe('PostgreSQL', () => {
  it('that is gone is said to be within a second, by type and with a hint when to try again; then all is applied', async () => {
    await change();
    await postgres.refuse();
    const { error, ms } = await attempt();
    expect(error).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 2 });
    expect(ms).toBeLessThan(1_500);
    expect(stateOf('postgres')).toBe('down');
    await eventually(
      () => stateOf('sequencer'),
      (state) => state === 'down',
    );
    await postgres.heal();
    await eventually(attempt, ({ error: failure }) => failure === undefined);
    await expectAllEffects();
    expect(stateOf('postgres')).toBe('up');
    await eventually(
      () => stateOf('sequencer'),
      (state) => state === 'up',
    );
  });

  it('whose connections are cut again and again loses no change and doubles no effect', async () => {
    for (let round = 0; round < 5; round++) {
      const changes = Array.from({ length: 10 }, () => attempt());
      setTimeout(() => postgres.cut(), 5 * round);
      await Promise.all(changes);
    }
    // A commit whose answer was lost is a change, too: the table says how many there are.
    const { rows } = await base.admin.query<{ n: string }>('select count(*) as n from alerts.event');
    written = Number(rows[0]?.n);
    await eventually(attempt, ({ error }) => error === undefined);
    await expectAllEffects();
  });
});

describe('a live field', () => {
  it('that is opened while PostgreSQL is away, and that meets it away again, waits and misses nothing', async () => {
    const tail = new EventTail({
      database,
      reader: connectRedis(redisProxy.url, 'live', health),
      log: base.log,
      health,
      // So that what came before must be read from the table.
      capacity: 1,
    });
    await postgres.refuse();
    tail.start();
    const live = { database, tail, cursors: new CursorCodec(base.secret, 'alerts') };
    const items = openLive(live, { tenant: TENANT, toItem: ({ position }) => position });
    const first = items.next();
    await eventually(
      () => stateOf('postgres'),
      (state) => state === 'down',
    );
    await postgres.heal();
    expect((await first).value).toBeInstanceOf(CaughtUp);

    const before = tail.last;
    for (let n = 0; n < 5; n++) await eventually(attempt, ({ error }) => error === undefined);
    await eventually(
      () => tail.last,
      (last) => last === before + 5,
    );
    await postgres.refuse();
    const next = items.next();
    await attempt();
    await postgres.heal();
    const positions = [(await next).value];
    while (positions.length < 5) positions.push((await items.next()).value);
    expect(positions).toEqual([1, 2, 3, 4, 5].map((n) => before + n));
    await items.return();
    await tail.stop();
  });
});

describe('Redis', () => {
  it('that is gone costs no change: they commit, and their effects follow when it is back', async () => {
    await redisProxy.refuse();
    for (let n = 0; n < 5; n++) expect((await attempt()).error).toBeUndefined();
    await eventually(
      () => stateOf('relay'),
      (state) => state === 'degraded',
    );
    await redisProxy.heal();
    await expectAllEffects();
    await eventually(
      () => stateOf('relay'),
      (state) => state === 'up',
    );
  });

  it('that is silent, as a machine without power, is left for a new connection', async () => {
    redisProxy.freeze();
    await change();
    await eventually(
      () => stateOf('relay'),
      (state) => state === 'degraded',
      20_000,
    );
    redisProxy.cut();
    await redisProxy.heal();
    await expectAllEffects();
  });

  it('that comes back without its last writes gets them again, and no effect is made twice', async () => {
    for (let n = 0; n < 5; n++) await change();
    await expectAllEffects();
    const forget = ownRedis.remember();
    for (let n = 0; n < 5; n++) await change();
    await expectAllEffects();
    const { last } = await positions();
    await forget();
    await change();
    await expectAllEffects();
    // Also those that had their effects are in the stream again, for whoever reads it from there.
    const again = await eventually(positions, (found) => found.last === last + 1);
    expect(again.all).toEqual(
      Array.from({ length: again.all.length }, (_, n) => again.last - again.all.length + 1 + n),
    );
    expect(again.all.length).toBeGreaterThan(10);
  });

  it('that is full costs no change: the publisher says so and waits, and all follows once there is room', async () => {
    await redis.config('SET', 'maxmemory', '1');
    onTestFinished(async () => void (await redis.config('SET', 'maxmemory', '0')));
    const before = await positions();
    for (let n = 0; n < 5; n++) expect((await attempt()).error).toBeUndefined();
    await eventually(
      () => health.report().components.relay,
      (relay) => relay?.state === 'degraded' && relay.reason?.includes('OOM') === true,
    );
    const waiting = () => health.metrics.getSingleMetric('aurora_outbox_pending')?.get();
    await eventually(waiting, (gauge) => gauge?.values[0]?.value === 5);
    // Nothing was evicted to make room.
    expect(await positions()).toEqual(before);
    await redis.config('SET', 'maxmemory', '0');
    await expectAllEffects();
    await eventually(
      () => stateOf('relay'),
      (state) => state === 'up',
    );
  });

  it('whose group somebody destroyed again and again gives its consumer everything, once', async () => {
    for (let round = 0; round < 3; round++) {
      await Promise.all([change(), change(), redis.xgroup('DESTROY', STREAM, 'effects'), change()]);
    }
    await expectAllEffects();
  });

  it('that delivers everything ten times more and in any order changes nothing', async () => {
    await expectAllEffects();
    const random = seededRandom(17);
    const entries = await redis.xrange(STREAM, '-', '+');
    const copies = Array.from({ length: 10 }, () => entries).flat();
    for (let last = copies.length - 1; last > 0; last--) {
      const other = between(random, 0, last);
      [copies[last], copies[other]] = [copies[other] as (typeof copies)[0], copies[last] as (typeof copies)[0]];
    }
    const replays = replayStream(STREAM, 'effects');
    for (const [, fields] of copies) await redis.xadd(replays, '*', ...fields);
    await eventually(
      () => redis.xlen(replays),
      (left) => left === 0,
      30_000,
    );
    await change();
    await expectAllEffects();
  });
});

/** What the stream holds. */
async function positions(): Promise<{ readonly all: readonly number[]; readonly last: number }> {
  const all = (await redis.xrange(STREAM, '-', '+')).map(([id]) => Number(id.split('-')[0]));
  return { all, last: all.at(-1) ?? 0 };
}

describe('a database that is closed', () => {
  it('ends also while its first connections are being made', async () => {
    const closing = await base.open('svc');
    const work = Promise.allSettled(Array.from({ length: 8 }, () => closing.execute('select 1 as one')));
    await closing.close();
    expect((await work).map(({ status }) => status)).toEqual(Array(8).fill('fulfilled'));
    await expect(closing.execute('select 1 as one')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });
});
