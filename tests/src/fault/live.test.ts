/** Live fields of a subgraph: each event once, in order, whatever happens between the table and the stream. */
import { EventRecorder, eventStream, startEventPublisher } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import {
  CaughtUp,
  CursorCodec,
  compareCursors,
  EventTail,
  type LiveItems,
  type LiveSource,
  openLive,
  ResyncRequired,
} from '@aurorasoc/kit/live';
import { connectRedis, type Redis, whenReady } from '@aurorasoc/kit/streams';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createAlertsDatabase, type DomainDatabase, redisUrl } from '../support/domain-database.js';
import { eventually } from '../support/wait.js';

const ANN = '0198c0de-0000-7000-8000-00000000000a';
const BOB = '0198c0de-0000-7000-8000-00000000000b';
const recorder = new EventRecorder('alerts', 'test', { 'thing.changed': z.object({ n: z.number() }) });

interface Item {
  readonly position: number;
  readonly cursor: string;
}

let base: DomainDatabase;
let redis: Redis;
let reader: Redis;
let source: LiveSource;
let publisher: { stop(): Promise<void> };

beforeAll(async () => {
  base = await createAlertsDatabase('live');
  const url = await redisUrl();
  [redis, reader] = [connectRedis(url, 'test', base.health), connectRedis(url, 'live', base.health)];
  await Promise.all([whenReady(redis, 5_000), whenReady(reader, 5_000)]);
  publisher = startEventPublisher({
    domain: 'alerts',
    databaseUrl: base.urlOf('relay'),
    redis,
    routes: {},
    log: base.log,
    health: base.health,
  });
  const database = await base.open('svc');
  // So small a memory that most reads meet its edge.
  const tail = new EventTail({ database, reader, log: base.log, health: base.health, capacity: 7 });
  tail.start();
  source = { database, tail, cursors: new CursorCodec(base.secret, 'alerts') };
  await eventually(
    () => base.health.report().components.live?.state,
    (state) => state === 'up',
  );
});

afterAll(async () => {
  await source.tail.stop();
  await publisher.stop();
  redis.disconnect();
  reader.disconnect();
  await base.close();
});

async function write(tenant: string, count: number, subject = newId()): Promise<void> {
  for (let n = 1; n <= count; n++) {
    await source.database.inTenant(tenant, (em) =>
      recorder.record(em, {
        type: 'thing.changed',
        subject,
        version: n,
        tenant,
        actor: { kind: 'user', id: 'x' },
        data: { n },
        occurredAt: new Date(),
      }),
    );
  }
}

function subscribe(options: { tenant?: string; after?: string; subject?: string } = {}): LiveItems<Item> {
  const { tenant = ANN, ...rest } = options;
  return openLive(source, { tenant, ...rest, toItem: (event, cursor) => ({ position: event.position, cursor }) });
}

/** Reads until `isEnd` holds for an item; the items before it and it. */
async function take(
  items: LiveItems<Item>,
  isEnd: (item: Item | CaughtUp | ResyncRequired, taken: number) => boolean,
): Promise<(Item | CaughtUp | ResyncRequired)[]> {
  const taken: (Item | CaughtUp | ResyncRequired)[] = [];
  for (;;) {
    const { value, done } = await items.next();
    if (done) return taken;
    taken.push(value);
    if (isEnd(value, taken.length)) return taken;
  }
}

/** What a restore of the database does: the last `count` events are gone, and every connection was cut. */
async function restoreTable(count: number): Promise<void> {
  await base.admin.query(
    `with gone as (delete from alerts.event_position
       where position > (select max(position) from alerts.event_position) - ${count} returning seq)
     delete from alerts.event using gone where event.seq = gone.seq`,
  );
  await base.admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  await eventually(
    () => source.database.ping(),
    (isUp) => isUp,
  );
}

const isCaughtUp = (item: unknown): boolean => item instanceof CaughtUp;

describe('a live field', () => {
  it('starts with CaughtUp and then delivers what happens, in order', async () => {
    const items = subscribe();
    const [first] = await take(items, () => true);
    expect(first).toBeInstanceOf(CaughtUp);
    await write(ANN, 5);
    const live = (await take(items, (_, taken) => taken === 5)) as Item[];
    expect(live.map((item) => item.position)).toEqual(live.map((_, index) => (live[0]?.position ?? 0) + index));
    await items.return();
  });

  it('delivers everything after a cursor once, across the edge of its memory, then CaughtUp', async () => {
    const items = subscribe();
    const [start] = (await take(items, isCaughtUp)) as [CaughtUp];
    await items.return();
    await write(ANN, 30);
    const { position } = source.cursors.decode(start.cursor, 'after');
    await eventually(
      () => source.tail.last,
      (last) => last === position + 30,
    );
    const resumed = subscribe({ after: start.cursor });
    const taken = await take(resumed, isCaughtUp);
    await resumed.return();
    const positions = taken.slice(0, -1).map((item) => (item as Item).position);
    expect(positions).toHaveLength(30);
    expect(new Set(positions).size).toBe(30);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  });

  it('joins while writers write, without a gap or a repeat at the seam', async () => {
    const before = subscribe();
    const [start] = (await take(before, isCaughtUp)) as [CaughtUp];
    await before.return();
    const writing = Promise.all(Array.from({ length: 4 }, () => write(ANN, 25)));
    const items = subscribe({ after: start.cursor });
    const seen = new Set<number>();
    let last = 0;
    const cursors: string[] = [];
    await take(items, (item) => {
      if (!(item instanceof CaughtUp) && !(item instanceof ResyncRequired)) {
        expect(item.position).toBeGreaterThan(last);
        last = item.position;
        seen.add(item.position);
        cursors.push(item.cursor);
      }
      return seen.size === 100;
    });
    await writing;
    await items.return();
    expect(cursors).toEqual([...cursors].sort(compareCursors));
  });

  it('goes on from the table while Redis is away', async () => {
    const items = subscribe();
    await take(items, isCaughtUp);
    reader.disconnect();
    redis.disconnect();
    await write(ANN, 3);
    const live = await take(items, (_, taken) => taken === 3);
    expect(live).toHaveLength(3);
    expect(base.health.report().components.live?.state).toBe('degraded');
    await Promise.all([redis.connect(), reader.connect()]);
    await write(ANN, 2);
    expect(await take(items, (_, taken) => taken === 2)).toHaveLength(2);
    await items.return();
    await eventually(
      () => base.health.report().components.live?.state,
      (state) => state === 'up',
    );
  });

  it('misses nothing when the stream is wiped', async () => {
    const items = subscribe();
    await take(items, isCaughtUp);
    await redis.flushdb();
    await write(ANN, 4);
    const live = (await take(items, (_, taken) => taken === 4)) as Item[];
    expect(new Set(live.map((item) => item.position)).size).toBe(4);
    await items.return();
  });

  it('starts a field on one subject at its first event', async () => {
    const subject = newId();
    await write(ANN, 3, subject);
    await write(ANN, 3);
    const items = subscribe({ subject });
    const taken = await take(items, isCaughtUp);
    expect(taken).toHaveLength(4);
    await items.return();
  });

  it('shows nothing of another tenant', async () => {
    const items = subscribe({ tenant: BOB });
    const [start] = (await take(items, isCaughtUp)) as [CaughtUp];
    await write(ANN, 5);
    await write(BOB, 1);
    expect(await take(items, (_, taken) => taken === 1)).toHaveLength(1);
    await items.return();
    const resumed = subscribe({ tenant: BOB, after: start.cursor });
    expect(await take(resumed, isCaughtUp)).toHaveLength(2);
    await resumed.return();
  });

  it('refuses a cursor that it did not hand out', () => {
    expect(() => subscribe({ after: 'f'.repeat(48) })).toThrow(/not issued here/);
    expect(() => subscribe({ after: 'x' })).toThrow(/not issued here/);
  });

  it('asks to query again when the cursor belongs to another history', async () => {
    const items = subscribe({ after: source.cursors.encode({ epoch: '0'.repeat(16), position: 3 }) });
    const [first, second] = await take(items, isCaughtUp);
    expect(first).toBeInstanceOf(ResyncRequired);
    expect(second).toBeInstanceOf(CaughtUp);
    await items.return();
  });

  it('asks to query again when the table is restored under it, and goes on with the new history', async () => {
    const items = subscribe();
    await take(items, isCaughtUp);
    await write(ANN, 3);
    await take(items, (_, taken) => taken === 3);
    await restoreTable(3);
    const [resync] = await take(items, isCaughtUp);
    expect(resync).toBeInstanceOf(ResyncRequired);
    await write(ANN, 2);
    const live = (await take(items, (_, taken) => taken === 2)) as Item[];
    const since = source.cursors.decode((resync as ResyncRequired).since, 'since');
    expect(live[0]?.position).toBe(since.position + 1);
    expect(source.cursors.decode(live[0]?.cursor ?? '', 'cursor').epoch).toBe(since.epoch);
    await items.return();
  });

  it('does not take the former history from a stream that no relay has cleared yet', async () => {
    const url = await redisUrl();
    const [writer, ownReader] = [connectRedis(url, 'former', base.health), connectRedis(url, 'own', base.health)];
    await Promise.all([whenReady(writer, 5_000), whenReady(ownReader, 5_000)]);
    for (let n = 1; n <= 5; n++)
      await writer.xadd(eventStream('alerts'), `${source.tail.last + n}-0`, 'epoch', 'f'.repeat(16), 'id', newId());
    const reads = vi.spyOn(ownReader, 'xread');
    const tail = new EventTail({ database: source.database, reader: ownReader, log: base.log, health: base.health });
    tail.start();
    await eventually(
      () => reads.mock.calls.length,
      (calls) => calls >= 3,
    );
    const items = openLive({ ...source, tail }, { tenant: ANN, toItem: ({ position }) => position });
    const startedAt = Date.now();
    const before = tail.last;
    await write(ANN, 1);
    const taken: unknown[] = [];
    while (taken.length < 2) taken.push((await items.next()).value);
    expect(taken).toEqual([expect.any(CaughtUp), before + 1]);
    // It waits between its looks: without, thousands fit into this time.
    expect(reads.mock.calls.length).toBeLessThan(20 + (Date.now() - startedAt) / 10);
    await items.return();
    await tail.stop();
    writer.disconnect();
  });

  it('lets go of a subscriber whose read failed', async () => {
    let listeners = 0;
    const tail = Object.create(source.tail, {
      onMove: {
        value: (listener: () => void) => {
          listeners += 1;
          const stop = source.tail.onMove(listener);
          return () => {
            listeners -= 1;
            stop();
          };
        },
      },
      last: { value: 1_000_000 },
      recentAfter: { value: () => undefined },
      hasForgotten: { value: () => false },
      epoch: { value: source.tail.epoch },
      isStopped: { value: false },
    });
    const database = Object.create(source.database, {
      inTenant: { value: () => Promise.reject(new Error('the database is away')) },
    });
    const items = openLive({ ...source, tail, database }, { tenant: ANN, subject: newId(), toItem: () => undefined });
    expect(listeners).toBe(1);
    await expect(items.next()).rejects.toThrow('the database is away');
    expect(listeners).toBe(0);
  });

  it('ends a waiting subscriber at once when it leaves', async () => {
    const items = subscribe();
    await take(items, isCaughtUp);
    const waiting = items.next();
    await items.return();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });
});
