/** The one consumer: nothing lost or doubled on errors, redelivery, lost groups and dead consumers. */
import { PoisonMessageError, TransientError } from '@aurorasoc/kit/errors';
import { dataSchemaOf, readData } from '@aurorasoc/kit/events';
import { Health } from '@aurorasoc/kit/health';
import { newId } from '@aurorasoc/kit/ids';
import {
  type Consumer,
  type ConsumerOptions,
  connectRedis,
  deadLetterStream,
  deathsKey,
  findDeadLetter,
  findHandled,
  forgetConsumers,
  handleOnce,
  listDeadLetters,
  MAX_ATTEMPTS,
  type Redis,
  readLag,
  replayDeadLetter,
  replayStream,
  type StreamEntry,
  startConsumer,
  trimStream,
  whenReady,
} from '@aurorasoc/kit/streams';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createAlertsDatabase, type DomainDatabase, redisUrl } from '../support/domain-database.js';
import { eventually } from '../support/wait.js';

const TENANT = '0198c0de-0000-7000-8000-00000000000a';
const STREAM = 'test:work';

let base: DomainDatabase;
let redis: Redis;
let url: string;
let consumers: Consumer[] = [];

beforeAll(async () => {
  base = await createAlertsDatabase('streams');
  await base.admin.query('create table public.effect (id text not null)');
  await base.admin.query('grant select, insert on public.effect to alerts_svc');
  url = await redisUrl();
  redis = connectRedis(url, 'test', base.health);
  await whenReady(redis, 5_000);
});

beforeEach(async () => {
  await redis.flushdb();
  await base.admin.query('truncate public.effect, alerts.inbox');
});

afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  consumers = [];
});

afterAll(async () => {
  redis.disconnect();
  await base.close();
});

function consume(handle: ConsumerOptions['handle'], options: Partial<ConsumerOptions> = {}): void {
  consumers.push(
    startConsumer({
      streams: [STREAM],
      group: 'g',
      consumer: 'c1',
      redis,
      reader: connectRedis(url, 'test reader', base.health),
      handle,
      log: base.log,
      health: base.health,
      blockMs: 50,
      takeOverMs: 100,
      ...options,
    }),
  );
}

async function recordEffects(): Promise<ConsumerOptions['handle']> {
  return handleOnce(await base.open('svc'), 'test', async (em, fresh) => {
    for (const entry of fresh) await em.execute('insert into public.effect values (?)', [entry.messageId]);
  });
}

async function add(id = newId(), fields: Record<string, string> = {}): Promise<string> {
  await redis.xadd(STREAM, '*', 'id', id, 'tenant', TENANT, ...Object.entries(fields).flat());
  return id;
}

const effects = async (): Promise<string[]> =>
  (await base.admin.query<{ id: string }>('select id from public.effect')).rows.map((row) => row.id);
const pending = async (): Promise<number> => Number(((await redis.xpending(STREAM, 'g')) as [number])[0]);

describe('a consumer', () => {
  it('handles what was written before its group existed, and acknowledges all of it', async () => {
    const ids = [await add(), await add(), await add()];
    consume(await recordEffects());
    await eventually(effects, (done) => done.length === 3);
    expect((await effects()).sort()).toEqual(ids.sort());
    await eventually(pending, (count) => count === 0);
  });

  it('makes the effect of a message once, however often it is delivered', async () => {
    const id = await add();
    consume(await recordEffects());
    await eventually(effects, (done) => done.length === 1);
    await add(id);
    await add(id);
    const last = await add();
    await eventually(effects, (done) => done.includes(last));
    expect((await effects()).filter((done) => done === id)).toHaveLength(1);
  });

  it('makes no effect and acknowledges nothing when the transaction fails; a later try makes it once', async () => {
    let failures = 2;
    const effect = await recordEffects();
    const id = await add();
    consume(async (entries) => {
      if (failures-- > 0) throw new Error('not yet');
      await effect(entries);
    });
    await eventually(effects, (done) => done.length === 1);
    expect(await effects()).toEqual([id]);
    expect(await redis.exists(deadLetterStream(STREAM))).toBe(0);
  });

  it('buries a bad entry after five tries, with its reason, and its neighbours are handled', async () => {
    const effect = await recordEffects();
    const tries = new Map<string, number>();
    const ids = [await add(), await add(newId(), { bad: 'yes' }), await add()];
    consume(async (entries) => {
      const bad = entries.find((entry) => entry.fields.has('bad'));
      if (bad && entries.length === 1) tries.set(bad.messageId, (tries.get(bad.messageId) ?? 0) + 1);
      if (bad) throw new Error('cannot be handled');
      await effect(entries);
    });
    const [letter] = await eventually(
      () => redis.xrange(deadLetterStream(STREAM), '-', '+'),
      (letters) => letters.length === 1,
    );
    expect(letter?.[1]).toEqual(
      expect.arrayContaining([
        'id',
        ids[1],
        'bad',
        'yes',
        'dead_group',
        'g',
        'dead_code',
        'HANDLER_FAILED',
        'dead_reason',
        'cannot be handled',
        'dead_attempts',
        '5',
      ]),
    );
    expect(tries.get(ids[1] ?? '')).toBe(MAX_ATTEMPTS);
    await eventually(effects, (done) => done.length === 2);
    await eventually(pending, (count) => count === 0);
  });

  it('buries a poison message at once', async () => {
    let calls = 0;
    await add();
    consume(async () => {
      calls++;
      throw new PoisonMessageError('no such format');
    });
    await eventually(
      () => redis.xlen(deadLetterStream(STREAM)),
      (letters) => letters === 1,
    );
    expect(calls).toBe(1);
  });

  it('refuses entries of nobody: without a tenant nothing is handled', async () => {
    await redis.xadd(STREAM, '*', 'id', newId());
    consume(await recordEffects());
    const [letter] = await eventually(
      () => redis.xrange(deadLetterStream(STREAM), '-', '+'),
      (letters) => letters.length === 1,
    );
    expect(letter?.[1]).toContain('The entry names no tenant');
    expect(await effects()).toEqual([]);
  });

  it('takes over what a dead consumer left', async () => {
    const id = await add();
    await redis.xgroup('CREATE', STREAM, 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'dead-one', 'COUNT', 10, 'STREAMS', STREAM, '>');
    consume(await recordEffects());
    await eventually(effects, (done) => done.length === 1);
    expect(await effects()).toEqual([id]);
  });

  it('finishes its own unfinished entries after a restart', async () => {
    const id = await add();
    await redis.xgroup('CREATE', STREAM, 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'c1', 'COUNT', 10, 'STREAMS', STREAM, '>');
    consume(await recordEffects(), { takeOverMs: 60_000 });
    await eventually(effects, (done) => done.length === 1);
    expect(await effects()).toEqual([id]);
  });

  it('buries an entry that was being handled each time that its process ended, and tries one that was not', async () => {
    const [bad, good] = [await add(), await add()];
    await redis.xgroup('CREATE', STREAM, 'g', '0');
    const [, entries] = (
      (await redis.xreadgroup('GROUP', 'g', 'c1', 'COUNT', 10, 'STREAMS', STREAM, '>')) as [
        string,
        [string, string[]][],
      ][]
    )[0] ?? ['', []];
    await redis.hset(deathsKey(STREAM, 'g'), entries[0]?.[0] ?? '', MAX_ATTEMPTS);
    consume(await recordEffects(), { takeOverMs: 60_000 });
    await eventually(effects, (done) => done.includes(good));
    await eventually(pending, (count) => count === 0);
    expect(await effects()).not.toContain(bad);
    expect(await redis.xlen(deadLetterStream(STREAM))).toBe(1);
    // Forgotten last, so that a process that ends in between buries it again rather than trying it.
    await eventually(
      () => redis.exists(deathsKey(STREAM, 'g')),
      (count) => count === 0,
    );
  });

  it.each([
    ['together when a process left them for the first time', 0, [3]],
    ['one by one when a process ended over them again', 1, [1, 1, 1]],
  ])('handles unfinished entries %s', async (_when, deaths, sizes) => {
    const ids = [await add(), await add(), await add()];
    await redis.xgroup('CREATE', STREAM, 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'c1', 'COUNT', 10, 'STREAMS', STREAM, '>');
    for (const [entryId] of await redis.xrange(STREAM, '-', '+'))
      if (deaths > 0) await redis.hset(deathsKey(STREAM, 'g'), entryId, deaths);
    const effect = await recordEffects();
    const runs: number[] = [];
    consume(
      async (entries) => {
        runs.push(entries.length);
        await effect(entries);
      },
      { takeOverMs: 60_000 },
    );
    await eventually(pending, (count) => count === 0);
    expect(await effects()).toEqual(ids);
    expect(runs).toEqual(sizes);
    await eventually(
      () => redis.exists(deathsKey(STREAM, 'g')),
      (count) => count === 0,
    );
  });

  it('does not count an outage of the database against unfinished entries', async () => {
    const id = await add();
    const effect = await recordEffects();
    await redis.xgroup('CREATE', STREAM, 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'c1', 'COUNT', 10, 'STREAMS', STREAM, '>');
    let outages = MAX_ATTEMPTS + 3;
    consume(
      async (entries) => {
        if (outages-- > 0) throw new TransientError('the database is away');
        await effect(entries);
      },
      { takeOverMs: 60_000 },
    );
    await eventually(effects, (done) => done.length === 1, 20_000);
    expect(await effects()).toEqual([id]);
    expect(await redis.exists(deadLetterStream(STREAM))).toBe(0);
  });

  it('goes on by itself after a FLUSHALL', async () => {
    consume(await recordEffects());
    await add();
    await eventually(effects, (done) => done.length === 1);
    await redis.flushdb();
    const id = await add();
    await eventually(effects, (done) => done.includes(id));
  });

  it('handles nothing again that comes once more after a FLUSHALL, and asks for it by the read, not by the tenant', async () => {
    const database = await base.open('svc');
    const effect = await recordEffects();
    const handled: string[] = [];
    const asked: number[] = [];
    const find = findHandled(database, 'test');
    consume(
      async (entries) => {
        handled.push(...entries.map(({ messageId }) => messageId));
        await effect(entries);
      },
      {
        types: ['wanted'],
        findHandled: async (entries) => {
          asked.push(entries.length);
          return find(entries);
        },
      },
    );
    const messages = Array.from({ length: 30 }, () => ({ id: newId(), tenant: newId() }));
    const publish = async (): Promise<void> => {
      const atOnce = redis.multi();
      for (const { id, tenant } of messages) {
        atOnce.xadd(STREAM, '*', 'id', newId(), 'tenant', tenant, 'type', 'other');
        atOnce.xadd(STREAM, '*', 'id', id, 'tenant', tenant, 'type', 'wanted');
      }
      await atOnce.exec();
    };
    await publish();
    await eventually(effects, (done) => done.length === messages.length);
    await eventually(pending, (count) => count === 0);
    asked.length = 0;
    await redis.flushdb();
    await publish();
    const last = await add(newId(), { type: 'wanted' });
    await eventually(effects, (done) => done.includes(last));
    await eventually(pending, (count) => count === 0);
    expect(handled).toEqual([...messages.map(({ id }) => id), last]);
    // One read, and the one with the last entry; a wake-up in between may cut one in two.
    expect(asked.length).toBeLessThanOrEqual(4);
  });

  it('never puts two tenants into one effect', async () => {
    const runs: string[][] = [];
    const other = '0198c0de-0000-7000-8000-00000000000b';
    for (const tenant of [TENANT, TENANT, other, TENANT])
      await redis.xadd(STREAM, '*', 'id', newId(), 'tenant', tenant);
    consume(async (entries: readonly StreamEntry[]) => {
      runs.push(entries.map((entry) => entry.tenant));
    });
    await eventually(
      () => runs.flat().length,
      (count) => count === 4,
    );
    expect(runs).toEqual([[TENANT, TENANT], [other], [TENANT]]);
  });

  it('asks for the tenants of entries that name none before it batches them, and waits while nobody can tell', async () => {
    const runs: string[][] = [];
    const other = '0198c0de-0000-7000-8000-00000000000b';
    const owners = [TENANT, other, TENANT];
    for (const owner of owners) await redis.xadd(STREAM, '*', 'id', newId(), 'tenant', '', 'owner', owner);
    let failures = 2;
    consume(
      async (entries) => {
        runs.push(entries.map((entry) => `${entry.tenant} of ${entry.fields.get('owner')}`));
      },
      {
        attribute: async (entries) => {
          if (failures-- > 0) throw new TransientError('the directory is away');
          const known = entries.map((entry) => ({ ...entry, tenant: entry.fields.get('owner') ?? '' }));
          return [...Map.groupBy(known, (entry) => entry.tenant).values()].flat();
        },
      },
    );
    await eventually(
      () => runs.flat().sort(),
      (seen) => seen.length === owners.length,
    );
    expect(runs.flat().sort()).toEqual(owners.map((owner) => `${owner} of ${owner}`).sort());
    for (const run of runs) expect(new Set(run).size).toBe(1);
    await eventually(
      () => redis.xpending(STREAM, 'g'),
      ([pending]) => pending === 0,
    );
  });
});

describe('a dead letter', () => {
  const OTHER = '0198c0de-0000-7000-8000-00000000000b';

  it('is shown to its tenant with its reason, and replayed to the group that failed, once and to no other', async () => {
    const effect = await recordEffects();
    let isMended = false;
    let othersRuns = 0;
    consume(async (entries) => {
      if (!isMended && entries.some(({ fields }) => fields.has('poison'))) throw new Error('cannot be read');
      await effect(entries);
    });
    consume(
      async (entries) => {
        othersRuns += entries.length;
      },
      { group: 'other' },
    );
    const id = await add(newId(), { poison: 'yes', body: '€'.repeat(5_000) });
    const neighbour = await add();
    const [letter] = await eventually(
      () => listDeadLetters(redis, STREAM, TENANT, { limit: 10 }),
      (letters) => letters.length === 1,
    );
    expect(letter).toMatchObject({
      stream: STREAM,
      group: 'g',
      messageId: id,
      tenant: TENANT,
      code: 'HANDLER_FAILED',
      reason: 'cannot be read',
      attempts: MAX_ATTEMPTS,
    });
    expect([...(letter?.fields.keys() ?? [])]).toEqual(['id', 'tenant', 'poison', 'body']);
    expect(letter?.fields.get('body')).toEqual({ value: '€'.repeat(2_000), bytes: 15_000 });
    expect(await listDeadLetters(redis, STREAM, OTHER, { limit: 10 })).toEqual([]);
    if (letter === undefined) return;
    expect(await findDeadLetter(redis, STREAM, OTHER, letter.id)).toBeUndefined();

    await eventually(
      () => othersRuns,
      (runs) => runs === 2,
    );
    isMended = true;
    expect(await Promise.all([replayDeadLetter(redis, letter), replayDeadLetter(redis, letter)])).toEqual([
      true,
      false,
    ]);
    await eventually(effects, (done) => done.length === 2);
    expect((await effects()).sort()).toEqual([id, neighbour].sort());
    expect(othersRuns).toBe(2);
    expect(await listDeadLetters(redis, STREAM, TENANT, { limit: 10 })).toEqual([]);
    await eventually(
      () => redis.xlen(replayStream(STREAM, 'g')),
      (length) => length === 0,
    );
  });

  it('is shown to the tenant that its entry was given on the way, where that named none', async () => {
    const id = newId();
    await redis.xadd(STREAM, '*', 'id', id, 'tenant', '');
    consume(
      async () => {
        throw new PoisonMessageError('no such format');
      },
      { attribute: async (entries) => entries.map((entry) => ({ ...entry, tenant: OTHER })) },
    );
    const [letter] = await eventually(
      () => listDeadLetters(redis, STREAM, OTHER, { limit: 10 }),
      (letters) => letters.length === 1,
    );
    expect(letter).toMatchObject({ messageId: id, tenant: OTHER, reason: 'no such format' });
    expect(await listDeadLetters(redis, STREAM, TENANT, { limit: 10 })).toEqual([]);
    expect(await findDeadLetter(redis, STREAM, OTHER, letter?.id ?? '')).toBeDefined();
  });

  it('is one, also where two consumers give its entry up: one had taken it over from the other', async () => {
    let inHand = 0;
    const handle = async ([entry]: readonly StreamEntry[]): Promise<void> => {
      if (entry?.fields.get('last') !== undefined) return;
      inHand++;
      await eventually(
        () => inHand,
        (count) => count === 2,
      );
      throw new PoisonMessageError('no such format');
    };
    await add();
    consume(handle);
    await eventually(
      () => inHand,
      (count) => count === 1,
    );
    consume(handle, { consumer: 'c2' });
    await eventually(
      () => inHand,
      (count) => count === 2,
    );
    // Each is behind its own burial once it reads on.
    const handled = async (): Promise<number> => {
      await add(newId(), { last: 'yes' });
      const consumers = (await redis.xinfo('CONSUMERS', STREAM, 'g')) as unknown[][];
      return consumers.filter((facts) => facts[facts.indexOf('pending') + 1] === 0).length;
    };
    await eventually(handled, (count) => count === 2);
    await eventually(pending, (count) => count === 0);
    expect(await redis.xlen(deadLetterStream(STREAM))).toBe(1);
  });

  it('that fails again is a dead letter of the same stream again', async () => {
    consume(async () => {
      throw new PoisonMessageError('never');
    });
    const id = await add();
    const letters = () => listDeadLetters(redis, STREAM, TENANT, { limit: 10 });
    const [first] = await eventually(letters, (found) => found.length === 1);
    if (first) await replayDeadLetter(redis, first);
    const [second] = await eventually(letters, (found) => found.length === 1 && found[0]?.id !== first?.id);
    expect(second).toMatchObject({ stream: STREAM, messageId: id, code: 'POISON_MESSAGE' });
    expect(await redis.xlen(replayStream(STREAM, 'g'))).toBe(0);
  });

  it('is one of many: pages of them miss none and repeat none', async () => {
    consume(async () => {
      throw new PoisonMessageError('never');
    });
    const ids = [];
    for (let n = 0; n < 7; n++) ids.push(await add());
    await eventually(
      () => redis.xlen(deadLetterStream(STREAM)),
      (length) => length === 7,
    );
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await listDeadLetters(redis, STREAM, TENANT, { after, limit: 3 });
      seen.push(...page.map(({ messageId }) => messageId));
      if (page.length < 3) break;
      after = page.at(-1)?.id;
    }
    expect(seen).toEqual(ids.toReversed());
  });
});

describe('an event of a newer release', () => {
  const FORM = { first: z.object({ title: z.string() }), second: z.object({ name: z.string() }).meta({ major: 2 }) };
  const fieldsOf = (type: string, schema: z.ZodType, data: unknown): Record<string, string> => {
    const time = '2026-11-27T10:00:00.000Z';
    const actor = { kind: 'service', id: 'test' };
    return { type, body: JSON.stringify({ time, actor, ...dataSchemaOf(type, schema), data }) };
  };
  /** A worker whose release knows the form `schema`. */
  const worker = async (schema: z.ZodType): Promise<ConsumerOptions['handle']> => {
    const effect = await recordEffects();
    return async (entries) => {
      for (const { messageId: id, fields } of entries)
        readData({ id, type: fields.get('type') ?? '', body: fields.get('body') ?? '' }, schema);
      await effect(entries);
    };
  };

  it('with a field more is handled', async () => {
    const id = await add(newId(), fieldsOf('thing.named', FORM.first, { title: 'a', since: 'this release' }));
    consume(await worker(FORM.first));
    await eventually(effects, (done) => done.includes(id));
  });

  it('with another form waits for an upgrade, which health asks for; neighbours go on; the new release handles it once', async () => {
    const health = new Health('old worker');
    consume(await worker(FORM.first), { health });
    const newer = await add(newId(), fieldsOf('thing.named', FORM.second, { name: 'b' }));
    const neighbour = await add(newId(), fieldsOf('thing.named', FORM.first, { title: 'a' }));
    await eventually(effects, (done) => done.includes(neighbour));
    const letters = () => listDeadLetters(redis, STREAM, TENANT, { limit: 10 });
    const [letter] = await eventually(letters, (found) => found.length === 1);
    expect(letter).toMatchObject({ messageId: newer, code: 'SCHEMA_TOO_NEW' });
    expect(health.report()).toMatchObject({
      state: 'degraded',
      components: { 'schema g': { reason: expect.stringContaining('upgrade this process') } },
    });
    await Promise.all(consumers.map((consumer) => consumer.stop()));

    consume(await worker(z.union([FORM.second, FORM.first]).meta({ major: 2 })), { consumer: 'upgraded' });
    await eventually(effects, (done) => done.length === 2);
    expect((await effects()).sort()).toEqual([newer, neighbour].sort());
    expect(await letters()).toEqual([]);
  });

  it('is found without a look at other letters; those of one group are tried again in their order, and no others', async () => {
    await Promise.all([consume(await worker(FORM.first)), consume(await worker(FORM.first), { group: 'other' })]);
    const newer = [];
    for (let n = 0; n < 3; n++) newer.push(await add(newId(), fieldsOf('thing.named', FORM.second, { name: 'b' })));
    for (let n = 0; n < 3; n++) await add(newId(), { type: 'thing.named', body: 'no form'.repeat(20_000) });
    const letters = () => listDeadLetters(redis, STREAM, TENANT, { limit: 20 });
    await eventually(letters, (found) => found.length === 12);

    await redis.config('RESETSTAT');
    const figure = async (section: string, name: RegExp): Promise<number> =>
      Number(name.exec(await redis.info(section))?.[1] ?? 0);
    await eventually(
      () => figure('commandstats', /cmdstat_xautoclaim:calls=(\d+)/),
      (sweeps) => sweeps >= 20,
    );
    expect(await figure('stats', /total_net_output_bytes:(\d+)/)).toBeLessThan('no form'.length * 20_000);
    await Promise.all(consumers.map((consumer) => consumer.stop()));

    consume(await worker(z.union([FORM.second, FORM.first]).meta({ major: 2 })), { consumer: 'upgraded' });
    await eventually(effects, (done) => done.length === 3);
    expect(await effects()).toEqual(newer);
    expect((await letters()).filter(({ code }) => code === 'SCHEMA_TOO_NEW').map(({ group }) => group)).toEqual([
      ...['other', 'other', 'other'],
    ]);
  });

  it('is told by health for as long as it waits', async () => {
    const health = new Health('worker');
    consume(await worker(FORM.first), { health });
    await add(newId(), fieldsOf('thing.named', FORM.second, { name: 'b' }));
    const state = () => health.report().components['schema g']?.state;
    await eventually(state, (told) => told === 'degraded');
    await redis.del(deadLetterStream(STREAM));
    await eventually(state, (told) => told === 'up');
  });
});

describe('a Redis that goes away between an effect and its acknowledgement', () => {
  it('is no failure of the handler: nothing is buried, and the effect is made once', async () => {
    const effect = await recordEffects();
    let calls = 0;
    const id = await add();
    consume(async (entries) => {
      calls += 1;
      await effect(entries);
      if (calls === 1) redis.disconnect();
    });
    await eventually(effects, (done) => done.length === 1);
    await eventually(
      () => redis.status,
      (status) => status === 'end',
    );
    await eventually(
      () => base.health.report().components['consumer g']?.state,
      (state) => state === 'degraded',
    );
    expect(calls).toBe(1);
    await redis.connect();
    await eventually(pending, (count) => count === 0);
    expect(await effects()).toEqual([id]);
    expect(await redis.exists(deadLetterStream(STREAM))).toBe(0);
  });
});

describe('what a restarted consumer finds of its own', () => {
  it('is finished also behind a page of entries that were trimmed away, which are counted as lost', async () => {
    const ids = [];
    for (let n = 0; n < 6; n++) ids.push(await add());
    await redis.xgroup('CREATE', STREAM, 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'c1', 'COUNT', 6, 'STREAMS', STREAM, '>');
    await redis.xtrim(STREAM, 'MAXLEN', 2);
    // Nobody takes anything over within this test.
    consume(await recordEffects(), { batchSize: 2, takeOverMs: 600_000 });
    await eventually(effects, (done) => done.length === 2);
    expect((await effects()).sort()).toEqual(ids.slice(4).sort());
    await eventually(pending, (count) => count === 0);
    const lost = await base.health.metrics.getSingleMetric('aurora_stream_trim_lost_total')?.get();
    expect(lost?.values.find(({ labels }) => labels.group === 'g')?.value).toBeGreaterThanOrEqual(4);
  });
});

describe('a group', () => {
  it('forgets consumers that are gone for long, but none that holds an entry', async () => {
    await add();
    await redis.xgroup('CREATE', STREAM, 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'holder', 'COUNT', 1, 'STREAMS', STREAM, '>');
    for (const name of ['gone', 'own']) await redis.xgroup('CREATECONSUMER', STREAM, 'g', name);
    const names = async () =>
      ((await redis.xinfo('CONSUMERS', STREAM, 'g')) as unknown[][]).map((consumer) => consumer[1]).sort();
    expect(await forgetConsumers(redis, STREAM, 'g', 'own')).toBe(0);
    expect(await forgetConsumers(redis, STREAM, 'g', 'own', 0)).toBe(1);
    expect(await names()).toEqual(['holder', 'own']);
  });

  it('tells how far behind it is, also where an entry was deleted in the middle', async () => {
    for (let n = 1; n <= 10; n++) await redis.xadd(STREAM, `${n}-0`, 'n', String(n));
    await redis.xgroup('CREATE', STREAM, 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'c', 'COUNT', 4, 'STREAMS', STREAM, '>');
    expect(await readLag(redis, STREAM, 'g')).toBe(6);
    await redis.xdel(STREAM, '8-0');
    expect(await readLag(redis, STREAM, 'g')).toBe(5);
  });
});

describe('trimming', () => {
  it('keeps what the slowest group has not finished, and everything while a group is missing', async () => {
    for (let n = 1; n <= 10; n++) await redis.xadd(STREAM, `${n}-0`, 'n', String(n));
    await redis.xgroup('CREATE', STREAM, 'fast', '0');
    expect(await trimStream(redis, STREAM, '8-0', ['fast', 'slow'])).toBe(0);
    await redis.xgroup('CREATE', STREAM, 'slow', '0');
    await redis.xreadgroup('GROUP', 'fast', 'c', 'COUNT', 10, 'STREAMS', STREAM, '>');
    await redis.xack(STREAM, 'fast', ...Array.from({ length: 10 }, (_, n) => `${n + 1}-0`));
    await redis.xreadgroup('GROUP', 'slow', 'c', 'COUNT', 4, 'STREAMS', STREAM, '>');
    await redis.xack(STREAM, 'slow', '1-0', '2-0');
    await trimStream(redis, STREAM, '8-0', ['fast', 'slow']);
    expect((await redis.xrange(STREAM, '-', '+')).map(([id]) => id)).toEqual([
      '3-0',
      '4-0',
      '5-0',
      '6-0',
      '7-0',
      '8-0',
      '9-0',
      '10-0',
    ]);
  });

  it('leaves nothing that every group has finished, not even the last entry', async () => {
    consume(async () => undefined, { trimForGroups: ['g'] });
    await add();
    await eventually(
      () => redis.xlen(STREAM),
      (length) => length === 0,
    );
  });
});
