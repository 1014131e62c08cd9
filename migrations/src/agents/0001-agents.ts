import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { eventLogSql } from '@aurorasoc/kit/events';
import { Migration } from '@mikro-orm/migrations';

/** Investigations, what happened in them, and the tasks by which agents are put to work. */
export class CreateAgents extends Migration {
  override up(): void {
    const statements = [...eventLogSql('agents'), ...investigations, ...tasks, ...taskQueue, ...steps];
    for (const statement of statements) this.addSql(statement);
  }
}

const investigations = [
  `create table agents.investigation (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     alert_id uuid not null,
     question text,
     status text not null,
     mode text not null,
     reasoner text not null,
     requester_kind text not null,
     requester_id text not null,
     requester_scopes text[] not null,
     step_count integer not null,
     verdict jsonb,
     failure jsonb,
     requested_at timestamptz not null,
     started_at timestamptz,
     finished_at timestamptz,
     alert_traceparent text,
     traceparent text
   )`,
  // One unfinished investigation per alert: two requests at once end in the same one.
  `create unique index investigation_unfinished on agents.investigation (tenant, alert_id) where status in ('PENDING', 'RUNNING')`,
  // Serves the list of a tenant, newest first.
  'create index investigation_newest on agents.investigation (tenant, id desc)',
  // Serves the investigations of an alert, newest first.
  'create index investigation_alert on agents.investigation (tenant, alert_id, id desc)',
  // Serves the list by status, newest first, and the count of those that are unfinished.
  'create index investigation_status on agents.investigation (tenant, status, id desc)',
  ...closeToOtherTenants('agents', 'investigation'),
  'grant select, insert, update on agents.investigation to agents_svc',
];

const tasks = [
  `create table agents.task (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     investigation_id uuid not null references agents.investigation (id),
     key text not null,
     agent text not null,
     instruction jsonb not null,
     status text not null,
     fence integer not null,
     attempts integer not null,
     claimed_by text,
     lease_until timestamptz,
     result jsonb,
     failure jsonb,
     requested_at timestamptz not null,
     started_at timestamptz,
     finished_at timestamptz,
     traceparent text,
     -- Durable execution: who asks again under the same key gets the recorded task; also serves an investigation's tasks.
     unique (investigation_id, key)
   )`,
  ...closeToOtherTenants('agents', 'task'),
  'grant select, insert, update on agents.task to agents_svc',
];

const taskQueue = [
  // One row per unfinished task: when somebody may take it, which is at once, or when the lease of its worker ends. It holds
  // ids and times only and has no row security, because workers look for lost tasks of every tenant.
  `create table agents.task_queue (
     task_id uuid primary key references agents.task (id),
     tenant uuid not null,
     lane text not null,
     due_at timestamptz not null
   )`,
  // Serves the workers' search for tasks that are due, oldest first.
  'create index task_queue_due on agents.task_queue (lane, due_at)',
  'grant select, insert, update, delete on agents.task_queue to agents_svc',
];

const steps = [
  `create table agents.investigation_step (
     id uuid primary key,
     tenant uuid not null,
     investigation_id uuid not null references agents.investigation (id),
     ordinal integer not null,
     task_id uuid not null references agents.task (id),
     task_ordinal integer not null,
     agent text not null,
     kind text not null,
     title text not null,
     detail text,
     cited_event_ids uuid[] not null,
     tool text,
     tool_arguments jsonb,
     at timestamptz not null,
     -- Serves an investigation's steps in order.
     unique (investigation_id, ordinal),
     -- A task that is dispatched again tells its steps again; each is kept once.
     unique (task_id, task_ordinal)
   )`,
  ...closeToOtherTenants('agents', 'investigation_step'),
  'grant select, insert on agents.investigation_step to agents_svc',
];
