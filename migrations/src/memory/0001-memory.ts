import { auditLogSql } from '@aurorasoc/kit/audit';
import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { eventLogSql } from '@aurorasoc/kit/events';
import { Migration } from '@mikro-orm/migrations';

/** What is remembered, with what makes it findable: its words, and a vector of 256 dimensions. */
export class CreateMemory extends Migration {
  override up(): void {
    for (const statement of [...eventLogSql('memory'), ...auditLogSql('memory'), ...entries]) this.addSql(statement);
  }
}

const entries = [
  // There is no index on `search`: whether words match is no leakproof question, so under row security PostgreSQL asks it
  // only of rows that it has found by tenant.
  `create table memory.entry (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     tier text not null,
     title text not null,
     text text not null,
     source_kind text not null,
     source_id text not null,
     alert_id uuid,
     trust text not null,
     tags text[] not null,
     author_kind text not null,
     author_id text not null,
     created_at timestamptz not null,
     is_quarantined boolean not null,
     quarantine_reason text,
     embedder text not null,
     embedding real[] not null check (array_length(embedding, 1) = 256),
     search tsvector not null generated always as (
       setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', text), 'B')
     ) stored
   )`,
  // Serves the list of a tenant, newest first, and the newest that exact search compares.
  'create index entry_newest on memory.entry (tenant, id desc)',
  // Serves what is remembered of one investigation, newest first.
  'create index entry_source on memory.entry (tenant, source_kind, source_id, id desc)',
  ...closeToOtherTenants('memory', 'entry'),
  'grant select, insert, update, delete on memory.entry to memory_svc',
];
