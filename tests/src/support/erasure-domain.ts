/** One domain that tenants leave: its database, its streams, what is written into them, and what is left. */
import { verifyLog } from '@aurorasoc/kit/audit';
import type { Database } from '@aurorasoc/kit/database';
import {
  closeTenant,
  type ErasureEvents,
  erasureEvents,
  TenantEraser,
  type TenantStream,
} from '@aurorasoc/kit/erasure';
import { EventRecorder, eventStream, startEventPublisher } from '@aurorasoc/kit/events';
import { NO_TENANT, newId } from '@aurorasoc/kit/ids';
import { connectRedis, type Redis, type StreamEntry, whenReady } from '@aurorasoc/kit/streams';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createAlertsDatabase, type DomainDatabase, redisUrl } from './domain-database.js';
import { eventually } from './wait.js';

export const EVENTS = eventStream('alerts');
const things = new EventRecorder('alerts', 'test', { 'thing.changed': z.object({ secret: z.string() }) });
const answers = new EventRecorder<ErasureEvents>('alerts', 'test', erasureEvents);

/** What a domain answers to a request. */
export interface ErasureAnswer {
  readonly erasureId: string;
  readonly requestId?: string;
  readonly tables: Readonly<Record<string, number>>;
  readonly streamEntries: number;
}

export class ErasureDomain {
  private constructor(
    readonly base: DomainDatabase,
    readonly redisUrl: string,
    readonly redis: Redis,
    readonly database: Database,
    /** Of the role that alone may erase. */
    readonly eraserLogin: Database,
    private readonly publisher: { stop(): Promise<void> },
  ) {}

  /** @param name - part of the database's name. */
  static async open(name: string): Promise<ErasureDomain> {
    const base = await createAlertsDatabase(name);
    const url = await redisUrl();
    const redis = connectRedis(url, 'test', base.health);
    await whenReady(redis, 5_000);
    const publisher = startEventPublisher({
      domain: 'alerts',
      databaseUrl: base.urlOf('relay'),
      redis,
      routes: {},
      log: base.log,
      health: base.health,
    });
    return new ErasureDomain(base, url, redis, await base.open('svc'), await base.open('eraser', 1), publisher);
  }

  async stop(): Promise<void> {
    await this.publisher.stop();
    this.redis.disconnect();
    await this.base.close();
  }

  async record(owner: string, count: number): Promise<void> {
    await this.database.inTenant(owner, async (em) => {
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
  async fill(owner: string): Promise<void> {
    await this.record(owner, 3);
    await this.base.admin.query(
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
  async countRows(owner: string): Promise<Record<string, number>> {
    const { rows: tables } = await this.base.admin.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'
       where c.relnamespace = 'alerts'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    );
    const counts: Record<string, number> = {};
    for (const { name } of tables) {
      const { rows } = await this.base.admin.query<{ n: string }>(
        `select count(*) as n from alerts.${name} where tenant = $1`,
        [owner],
      );
      if (Number(rows[0]?.n) > 0) counts[name] = Number(rows[0]?.n);
    }
    return counts;
  }

  /** Its audit log. */
  verify(owner: string) {
    return this.database.inTenant(owner, (em) => verifyLog(em, 'alerts', owner));
  }

  /** Once so many of its events are in the audit log. */
  sealed(owner: string, size: number) {
    return eventually(
      () => this.verify(owner),
      (report) => report.size === size,
    );
  }

  close(owner: string): Promise<boolean> {
    return closeTenant(this.eraserLogin, { request: newId(), tenant: owner, erasureId: newId() });
  }

  startEraser(streams: () => readonly TenantStream[] = () => [{ stream: EVENTS, groups: [] }]): TenantEraser {
    const eraser = new TenantEraser({
      database: this.database,
      eraser: this.eraserLogin,
      redis: this.redis,
      recorder: answers,
      streams,
      log: this.base.log,
      health: this.base.health,
    });
    eraser.start();
    onTestFinished(() => eraser.stop());
    return eraser;
  }

  /** Answers to the requests that it be erased, in their order. */
  async answerOf(owner: string): Promise<ErasureAnswer[]> {
    const { rows } = await this.base.admin.query<{ data: ErasureAnswer }>(
      `select convert_from(body, 'UTF8')::jsonb -> 'data' as data from alerts.event
       where type = 'tenant.erased' and convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'tenantId' = $1 order by seq`,
      [owner],
    );
    return rows.map(({ data }) => data);
  }

  /** Once there are so many answers. */
  erased(owner: string, times = 1) {
    return eventually(
      () => this.answerOf(owner),
      (found) => found.length >= times,
      30_000,
    );
  }
}

/** That a tenant be erased, as the site sends it. */
export function request(tenantId: string, erasureId = newId()): StreamEntry {
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
