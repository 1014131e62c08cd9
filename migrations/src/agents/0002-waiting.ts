import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { Migration } from '@mikro-orm/migrations';

/** What waits: alerts for room to be investigated, tasks for an agent that is away. */
export class AddWaiting extends Migration {
  override up(): void {
    for (const statement of [...postponedAlerts, ...postponedQueue, ...awaySince]) this.addSql(statement);
  }
}

const postponedAlerts = [
  `create table agents.postponed_alert (
     tenant uuid not null,
     alert_id uuid not null,
     requested_at timestamptz not null default now(),
     traceparent text,
     primary key (tenant, alert_id)
   )`,
  // Serves the search for those that have waited longest.
  'create index postponed_alert_oldest on agents.postponed_alert (tenant, requested_at, alert_id)',
  ...closeToOtherTenants('agents', 'postponed_alert'),
  'grant select, insert, delete on agents.postponed_alert to agents_svc',
];

const postponedQueue = [
  // One row per postponed alert, ids only. It has no row security, as the task queue has none: the sweep looks for tenants that
  // wait, and the gauge counts all of them.
  `create table agents.postponed_queue (
     tenant uuid not null,
     alert_id uuid not null,
     primary key (tenant, alert_id),
     foreign key (tenant, alert_id) references agents.postponed_alert (tenant, alert_id) on delete cascade
   )`,
  'grant select, insert on agents.postponed_queue to agents_svc',
];

const awaySince = [
  // Null while the agent answers. By the database's clock, as leases are.
  'alter table agents.task add column agent_away_since timestamptz',
];
