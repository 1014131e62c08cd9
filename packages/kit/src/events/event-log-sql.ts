/**
 * The tables under a domain's events, as statements for its first migration.
 *
 * `event` is outbox, audit trail and replay log at once. A writer inserts the event and an `event_pending` row in the
 * transaction of the change; the sequencer moves pending rows to `event_position`, which gives each a dense position.
 * Nothing ever compares an event with "the last one seen" by `seq`: a row that becomes visible late is still pending.
 */

import { assertDomainName, roleName } from '../database/roles.js';
import { SESSION_TENANT } from '../database/tenant-table.js';

export function eventLogSql(domain: string): string[] {
  assertDomainName(domain);
  const [svc, relay, store] = [roleName(domain, 'svc'), roleName(domain, 'relay'), roleName(domain, 'store')];
  return [
    `grant usage on schema ${domain} to ${svc}, ${relay}, ${store}`,
    `create table ${domain}.event (
       seq bigint generated always as identity (cache 1) primary key,
       id uuid not null unique,
       tenant uuid not null,
       type text not null,
       subject text not null,
       version integer not null check (version > 0),
       occurred_at timestamptz not null,
       traceparent text,
       body bytea not null
     )`,
    // One event per version of an entity; also serves the scan of one subject's history.
    `create unique index event_subject_version on ${domain}.event (subject, version)`,
    // Finds where a window of time begins, for the relay; events arrive nearly in this order, so block ranges suffice.
    `create index event_occurred on ${domain}.event using brin (occurred_at)`,
    `create table ${domain}.event_pending (seq bigint primary key, tenant uuid not null)`,
    // Emptied as fast as it fills: without this, dead rows would slow the sequencer down long before the default threshold.
    `alter table ${domain}.event_pending set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)`,
    `create table ${domain}.event_position (position bigint primary key, seq bigint not null unique, tenant uuid not null)`,
    // Serves the catch-up of one tenant's live fields.
    `create index event_position_tenant on ${domain}.event_position (tenant, position)`,
    `create table ${domain}.event_epoch (epoch text not null)`,
    `insert into ${domain}.event_epoch values (encode(substr(sha256(gen_random_uuid()::text::bytea), 1, 8), 'hex'))`,
    `create table ${domain}.inbox (
       consumer text not null,
       message_id text not null,
       received_at timestamptz not null default now(),
       primary key (consumer, message_id)
     )`,
    // Serves the removal of rows that no redelivery can meet any more.
    `create index inbox_received on ${domain}.inbox (received_at)`,

    `alter table ${domain}.event enable row level security`,
    `alter table ${domain}.event force row level security`,
    `create policy tenant on ${domain}.event to ${svc}, ${store} using (tenant = ${SESSION_TENANT}) with check (tenant = ${SESSION_TENANT})`,
    `create policy relay on ${domain}.event for select to ${relay} using (true)`,
    `grant select, insert on ${domain}.event to ${svc}, ${store}`,
    `grant select on ${domain}.event to ${relay}`,
    `grant insert on ${domain}.event_pending to ${svc}, ${store}`,
    `grant select, delete on ${domain}.event_pending to ${relay}`,
    `grant select on ${domain}.event_position, ${domain}.event_epoch to ${svc}, ${store}`,
    `grant select, insert on ${domain}.event_position to ${relay}`,
    // The relay notices when the database was restored, and begins a new epoch.
    `grant select, update on ${domain}.event_epoch to ${relay}`,
    `grant select, insert, delete on ${domain}.inbox to ${svc}, ${store}`,
  ];
}
