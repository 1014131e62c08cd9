/** A tenant leaves a domain's streams: what waits there, what comes late, and what those who follow are told. */
import { eraseEntries, eraseRows, isTenantErased } from '@aurorasoc/kit/erasure';
import { PoisonMessageError } from '@aurorasoc/kit/errors';
import { newId } from '@aurorasoc/kit/ids';
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
} from '@aurorasoc/kit/streams';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ErasureDomain, EVENTS } from '../support/erasure-domain.js';
import { eventually } from '../support/wait.js';

const never = new AbortController().signal;

let domain: ErasureDomain;
let redis: Redis;
let tenant: string;
let neighbour: string;

beforeAll(async () => {
  domain = await ErasureDomain.open('erasure_entries');
  redis = domain.redis;
});

afterAll(() => domain.stop());

beforeEach(() => {
  tenant = newId();
  neighbour = newId();
});

describe('the entries of a tenant', () => {
  const streamOf = (name: string) => ({ stream: `test:${name}:${tenant}` });
  const add = (stream: string, fields: Record<string, string>) =>
    redis.xadd(stream, '*', 'id', newId(), ...Object.entries(fields).flat());

  it('stay that a group has not finished until it has', async () => {
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
    await domain.close(tenant);
    const discarded: string[] = [];
    const handle = handleOnce(domain.database, 'late', async (em, fresh) => {
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
      reader: connectRedis(domain.redisUrl, 'test reader', domain.base.health),
      handle: async (entries) => {
        if (entries.some(({ fields }) => fields.has('broken'))) throw new PoisonMessageError('It cannot be read');
        await handle(entries);
      },
      isErased: (owner) => isTenantErased(domain.database, owner),
      discard: async (entries) => void discarded.push(...entries.map(({ messageId }) => messageId)),
      log: domain.base.log,
      health: domain.base.health,
      blockMs: 50,
    });
    onTestFinished(() => consumer.stop());
    const ids = [newId(), newId()];
    await redis.xadd('test:late', '*', 'id', ids[0] ?? '', 'tenant', tenant);
    await redis.xadd('test:late', '*', 'id', ids[1] ?? '', 'tenant', tenant, 'broken', '1');
    await redis.xadd('test:late', '*', 'id', newId(), 'tenant', neighbour, 'broken', '1');
    await redis.xadd('test:late', '*', 'id', newId(), 'tenant', neighbour);
    await eventually(
      () => domain.countRows(neighbour),
      ({ rule_set: n }) => n === 1,
    );
    expect(discarded).toEqual([fatal, ...ids]);
    expect(await domain.countRows(tenant)).toEqual({ erased_tenant: 1, erasure_request: 1 });
    const letters = JSON.stringify(await redis.xrange(deadLetterStream('test:late'), '-', '+'));
    expect(letters).toContain(neighbour);
    expect(letters).not.toContain(tenant);
    const { rowCount } = await domain.base.admin.query(`select 1 from alerts.inbox where message_id = any ($1)`, [ids]);
    expect(rowCount).toBe(0);
    const counted = async (what: string): Promise<number | undefined> => {
      const metric = await domain.base.health.metrics.getSingleMetric(`aurora_stream_${what}_total`)?.get();
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
    const reader = connectRedis(domain.redisUrl, 'test tail', domain.base.health);
    const tail = new EventTail({ database: domain.database, reader, log: domain.base.log, health: domain.base.health });
    tail.start();
    onTestFinished(() => tail.stop());
    await eventually(
      () => tail.epoch,
      (epoch) => epoch !== undefined,
    );
    const source = { database: domain.database, tail, cursors: new CursorCodec(domain.base.secret, 'alerts') };
    const follow = (owner: string, after?: string) =>
      openLive(source, { tenant: owner, after, toItem: (event) => event.body });
    const live = follow(tenant);
    const [begin] = [(await live.next()).value as CaughtUp];
    const last = tail.last;
    await domain.record(tenant, 2);
    await domain.record(neighbour, 1);
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
    await domain.record(neighbour, 1);
    await domain.record(tenant, 1);
    await eventually(
      () => redis.xrange(EVENTS, '-', '+'),
      (entries) => JSON.stringify(entries).includes(tenant),
    );
    await domain.close(tenant);
    await eraseRows(domain.eraserLogin, tenant, never);
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
