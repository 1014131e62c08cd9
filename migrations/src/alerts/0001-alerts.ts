import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { eventLogSql } from '@aurorasoc/kit/events';
import { Migration } from '@mikro-orm/migrations';

/** Events that ingest accepted, detection rules, and alerts. */
export class CreateAlerts extends Migration {
  override up(): void {
    const statements = [...eventLogSql('alerts'), ...ingestedEvents, ...batches, ...detectionRules, ...alerts];
    for (const statement of statements) this.addSql(statement);
  }
}

const ingestedEvents = [
  // The day of a partition is read off the id (a UUIDv7 made at acceptance), so a redelivery always meets its own key.
  `create table alerts.ingested_event (
     ingested timestamptz not null,
     id uuid not null,
     tenant uuid not null,
     occurred_at timestamptz not null,
     code text,
     dataset text,
     host_name text,
     user_name text,
     is_raw boolean not null,
     terms integer[] not null,
     document text not null,
     primary key (ingested, id)
   ) partition by range (ingested)`,
  ...closeToOtherTenants('alerts', 'ingested_event'),
  // Serves every page of a search: newest first within a tenant.
  'create index ingested_event_newest on alerts.ingested_event (tenant, occurred_at desc, id desc)',
  'grant select, insert on alerts.ingested_event to alerts_store',
  'grant select on alerts.ingested_event to alerts_svc',
  // Partitions get no grants: asked directly they would bypass the parent's policy.
  `create function alerts.create_event_partition(day date) returns void language plpgsql security definer set search_path = pg_catalog as $$
   declare
     partition text := format('ingested_event_%s', to_char(day, 'YYYYMMDD'));
   begin
     if day < current_date - 400 or day > current_date + 2 then
       raise exception 'no partition for %: outside of what is kept', day using errcode = 'check_violation';
     end if;
     perform pg_advisory_xact_lock(hashtext('alerts.create_event_partition'));
     if to_regclass('alerts.' || partition) is null then
       execute format('create table alerts.%I partition of alerts.ingested_event for values from (%L) to (%L)', partition, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
     end if;
   end $$`,
  'revoke all on function alerts.create_event_partition(date) from public',
  'grant execute on function alerts.create_event_partition(date) to alerts_store',
];

const batches = [
  // Public balance: received = stored + deduplicated; a raw event is stored, too.
  `create table alerts.ingest_batch (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     received integer not null,
     stored integer not null,
     raw integer not null,
     stored_at timestamptz not null
   )`,
  ...closeToOtherTenants('alerts', 'ingest_batch'),
  'grant select, insert, update on alerts.ingest_batch to alerts_store',
  'grant select on alerts.ingest_batch to alerts_svc',
];

const detectionRules = [
  `create table alerts.detection_rule (
     id uuid not null,
     tenant uuid not null,
     version integer not null,
     source text not null,
     title text not null,
     level text not null,
     is_enabled boolean not null,
     created_at timestamptz not null,
     updated_at timestamptz not null,
     primary key (tenant, id)
   )`,
  ...closeToOtherTenants('alerts', 'detection_rule'),
  'grant select, insert, update, delete on alerts.detection_rule to alerts_svc',
  // Grows with every change of a tenant's rules, in the same transaction: detection compares it before each batch.
  'create table alerts.rule_set (tenant uuid primary key, version integer not null)',
  ...closeToOtherTenants('alerts', 'rule_set'),
  'grant select, insert, update on alerts.rule_set to alerts_svc',
];

const alerts = [
  `create table alerts.alert (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     rule_id uuid not null,
     title text not null,
     description text not null,
     severity text not null,
     status text not null,
     assignee text,
     techniques text[] not null,
     tactics text[] not null,
     entities jsonb not null,
     grouping_key jsonb not null,
     fingerprint text not null,
     count bigint not null,
     first_seen_at timestamptz not null,
     last_seen_at timestamptz not null,
     opened_at timestamptz not null,
     updated_at timestamptz not null,
     traceparent text
   )`,
  // One open alert per fingerprint: two detection workers cannot both open it.
  `create unique index alert_open_fingerprint on alerts.alert (tenant, fingerprint) where status not in ('RESOLVED', 'CLOSED')`,
  // Serves the queue, newest first.
  'create index alert_newest on alerts.alert (tenant, id desc)',
  // Serves the queue by urgency.
  'create index alert_last_seen on alerts.alert (tenant, last_seen_at desc, id desc)',
  ...closeToOtherTenants('alerts', 'alert'),
  'grant select, insert, update on alerts.alert to alerts_svc',
  `create table alerts.alert_event (
     alert_id uuid not null references alerts.alert (id),
     event_id uuid not null,
     tenant uuid not null,
     primary key (alert_id, event_id)
   )`,
  ...closeToOtherTenants('alerts', 'alert_event'),
  'grant select, insert on alerts.alert_event to alerts_svc',
];
