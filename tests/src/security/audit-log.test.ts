/** The Merkle log of a tenant's events: complete, and no change of the tables behind it goes unseen. */
import { verifyLog } from '@aurorasoc/kit/audit';
import type { Database } from '@aurorasoc/kit/database';
import { EventRecorder, startEventPublisher } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { connectRedis, type Redis, whenReady } from '@aurorasoc/kit/streams';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

  it('still proves the place of what retention took away', async () => {
    await base.admin.query(`delete from alerts.event where seq = ${seqOfLeaf(9)}`);
    expect(await verify()).toMatchObject({ size: 25, withoutEvent: 1, fault: undefined });
  });
});
