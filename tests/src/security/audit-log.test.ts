/** The Merkle log of a tenant's events: complete, and no change of the tables behind it goes unseen. */
import { leafHash, MerkleTree, verifyLog } from '@aurorasoc/kit/audit';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder, startEventPublisher } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { connectRedis, type Redis, whenReady } from '@aurorasoc/kit/streams';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createAlertsDatabase, type DomainDatabase, redisUrl } from '../support/domain-database.js';
import { eventually } from '../support/wait.js';

const recorder = new EventRecorder('alerts', 'test', { 'thing.changed': z.object({ n: z.number() }) });

let base: DomainDatabase;
let redis: Redis;
let database: Database;
let publisher: { stop(): Promise<void> };
let tenant: string;

beforeAll(async () => {
  base = await createAlertsDatabase('audit_log');
  redis = connectRedis(await redisUrl(), 'test', base.health);
  await whenReady(redis, 5_000);
  database = await base.open('svc');
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

beforeEach(async () => {
  tenant = newId();
  await write(tenant, 20);
  await write(newId(), 3);
  await write(tenant, 5);
  await eventually(
    () => verify(),
    ({ size }) => size === 25,
  );
});

async function write(owner: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await database.inTenant(owner, (em) =>
      recorder.record(em, {
        type: 'thing.changed',
        subject: newId(),
        version: 1,
        tenant: owner,
        actor: { kind: 'user', id: 'ann' },
        data: { n },
        occurredAt: new Date(),
      }),
    );
  }
}

const verify = () => database.inTenant(tenant, (em) => verifyLog(em, 'alerts', tenant));

const seqOfLeaf = (leaf: number) =>
  `(select seq from alerts.event_leaf join alerts.event_position using (position)
    where event_leaf.tenant = '${tenant}' and leaf = ${leaf})`;

describe('an audit log', () => {
  it('holds every event of its tenant and of no other', async () => {
    expect(await verify()).toMatchObject({ size: 25, withoutEvent: 0, fault: undefined });
    const { rows } = await base.admin.query('select distinct tenant from alerts.event_leaf where tenant = $1', [
      tenant,
    ]);
    expect(rows).toHaveLength(1);
  });

  it.each([
    [
      'one bit of an event is changed',
      () => `update alerts.event set body = set_bit(body, 99, 1 - get_bit(body, 99)) where seq = ${seqOfLeaf(11)}`,
      { kind: 'EVENT_CHANGED', at: 11 },
    ],
    [
      'two events change places',
      () =>
        `update alerts.event_leaf set position = case leaf when 6 then (select position from alerts.event_leaf where tenant = '${tenant}' and leaf = 7)
           else (select position from alerts.event_leaf where tenant = '${tenant}' and leaf = 6) end + 1000000
         where tenant = '${tenant}' and leaf in (6, 7);
         update alerts.event_leaf set position = position - 1000000 where tenant = '${tenant}' and leaf in (6, 7)`,
      { kind: 'EVENT_CHANGED', at: 6 },
    ],
    [
      'a leaf is taken out',
      () => `delete from alerts.event_leaf where tenant = '${tenant}' and leaf = 4`,
      { kind: 'LEAF_MISSING', at: 4 },
    ],
    [
      'the end is cut off',
      () => `delete from alerts.event_leaf where tenant = '${tenant}' and leaf > 22`,
      { kind: 'LEAF_MISSING', at: 23 },
    ],
    [
      'an event and its leaf are changed together',
      () =>
        `update alerts.event set body = body || 'x' where seq = ${seqOfLeaf(2)};
         update alerts.event_leaf set hash = sha256('\\x00'::bytea || (select body from alerts.event where seq = ${seqOfLeaf(2)}))
         where tenant = '${tenant}' and leaf = 2`,
      { kind: 'HEAD_CHANGED' },
    ],
  ])('shows when %s', async (_what, sql, fault) => {
    await base.admin.query(sql());
    expect((await verify()).fault).toMatchObject(fault);
  });

  it('shows the first event that was taken away, unless the tenant was erased', async () => {
    await base.admin.query(`delete from alerts.event where seq in (${seqOfLeaf(9)}, ${seqOfLeaf(17)})`);
    expect(await verify()).toMatchObject({ size: 9, withoutEvent: 0, fault: { kind: 'EVENT_MISSING', at: 9 } });
    await base.admin.query('insert into alerts.erased_tenant (tenant) values ($1)', [tenant]);
    expect(await verify()).toMatchObject({ size: 25, withoutEvent: 2, fault: undefined });
  });

  it('is checked head by head behind the first page, too', async () => {
    await fillErased(12_000);
    expect(await verify()).toMatchObject({ size: 12_000, withoutEvent: 12_000, fault: undefined });
    for (const at of [10_001, 10_000, 5_001, 5_000]) {
      await base.admin.query('update alerts.tree_head set root = sha256(root) where tenant = $1 and size = $2', [
        tenant,
        at,
      ]);
      expect((await verify()).fault).toEqual({ kind: 'HEAD_CHANGED', at });
    }
  });

  it('is checked however many heads it has', async () => {
    await base.admin.query(
      `insert into alerts.tree_head (tenant, size, root, range)
       select $1, n, sha256('x'), '' from generate_series(26, 150000) n`,
      [tenant],
    );
    expect((await verify()).fault).toEqual({ kind: 'LEAF_MISSING', at: 25 });
  });
});

describe('a process that does not lead any more', () => {
  it('counts no events as unsealed, also not after a seal that it had begun', async () => {
    const unsealed = async (): Promise<number | undefined> =>
      (await base.health.metrics.getSingleMetric('aurora_audit_unsealed_events')?.get())?.values[0]?.value;
    const backend = async (condition: string): Promise<number | undefined> =>
      (await base.admin.query<{ pid: number }>(`select pid from pg_stat_activity where ${condition}`)).rows[0]?.pid;
    const isBlocked = () =>
      eventually(
        () => backend(`application_name = 'aurora alerts sealer' and wait_event_type = 'Lock'`),
        (pid) => pid !== undefined,
      );
    const writeSequenced = async (count: number): Promise<void> => {
      const positions = async () =>
        (await base.admin.query('select from alerts.event_position where tenant = $1', [tenant])).rowCount ?? 0;
      const before = await positions();
      await write(tenant, count);
      await eventually(positions, (now) => now === before + count);
    };
    const holdUp = (client: Client) => client.query('begin; lock table alerts.event_leaf in exclusive mode');
    const connect = async (url: string): Promise<{ client: Client; isWaiting: () => Promise<unknown> }> => {
      const client = new Client({ connectionString: url });
      await client.connect();
      onTestFinished(() => client.end());
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const isWaiting = () =>
        eventually(
          () => backend(`pid = ${rows[0]?.pid} and wait_event_type = 'Lock'`),
          (pid) => pid !== undefined,
        );
      return { client, isWaiting };
    };
    const database = Object.assign(new URL(inject('postgresUrl')), { pathname: '/audit_log' });
    const [next, successor] = await Promise.all([connect(database.href), connect(base.urlOf('relay'))]);

    // What comes while a seal is held up is not in it. The next one is held up, too, before it tells anything else.
    await holdUp(base.admin);
    await writeSequenced(1);
    await isBlocked();
    await writeSequenced(4);
    // In line behind the seal, and before the one after it.
    const holding = holdUp(next.client);
    await next.isWaiting();
    await base.admin.query('commit');
    await holding;
    await eventually(unsealed, (count) => count === 4);
    await isBlocked();
    await writeSequenced(2);
    expect(await unsealed()).toBe(4);

    const taking = successor.client.query(`select pg_advisory_lock(hashtext('aurora sequencer alerts'))`);
    await successor.isWaiting();
    await base.admin.query('select pg_terminate_backend($1)', [
      await backend(`application_name = 'aurora alerts sequencer'`),
    ]);
    await taking;
    await eventually(unsealed, (count) => count === 0);
    // The seal that was begun has two fewer than there are.
    await next.client.query('commit');
    await eventually(
      () => verify(),
      ({ size }) => size === 30,
    );
    expect(await unsealed()).toBe(0);
  });
});

/** Makes {@link tenant} one that was erased, and whose log has one head for each leaf. */
async function fillErased(size: number): Promise<void> {
  tenant = newId();
  const tree = new MerkleTree();
  const hashes = Array.from({ length: size }, (_, n) => leafHash(Buffer.from(`${n}`)));
  const roots = hashes.map((hash) => {
    tree.append(hash);
    return tree.root();
  });
  await base.admin.query('insert into alerts.erased_tenant (tenant) values ($1)', [tenant]);
  // Below zero, where neither sequencer nor sealer looks.
  await base.admin.query(
    `insert into alerts.event_position select n - $2::int, n - $2::int, $1 from generate_series(0, $2::int - 1) n`,
    [tenant, size],
  );
  await base.admin.query(
    `insert into alerts.event_leaf (tenant, leaf, position, hash)
     select $1, n - 1, n - 1 - $2::int, hash from unnest($3::bytea[]) with ordinality given (hash, n)`,
    [tenant, size, hashes],
  );
  await base.admin.query(
    `insert into alerts.tree_head (tenant, size, root, range)
     select $1, n, root, '' from unnest($2::bytea[]) with ordinality given (root, n)`,
    [tenant, roots],
  );
}
