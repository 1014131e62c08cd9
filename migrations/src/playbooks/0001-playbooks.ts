import { auditLogSql } from '@aurorasoc/kit/audit';
import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { eventLogSql } from '@aurorasoc/kit/events';
import { Migration } from '@mikro-orm/migrations';

/** Playbooks and their versions. */
export class CreatePlaybooks extends Migration {
  override up(): void {
    for (const statement of [...eventLogSql('playbooks'), ...auditLogSql('playbooks'), ...playbooks])
      this.addSql(statement);
  }
}

const playbooks = [
  `create table playbooks.playbook (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     document_id text not null,
     name text not null,
     description text not null,
     saved_version integer not null,
     active_version integer,
     created_at timestamptz not null,
     updated_at timestamptz not null,
     unique (tenant, document_id)
   )`,
  // Serves the list, newest first.
  'create index playbook_newest on playbooks.playbook (tenant, id desc)',
  ...closeToOtherTenants('playbooks', 'playbook'),
  'grant select, insert, update on playbooks.playbook to playbooks_svc',
  // Never changed: whoever names a version by its hash can rely on the bytes.
  `create table playbooks.playbook_version (
     playbook_id uuid not null references playbooks.playbook (id),
     version integer not null,
     tenant uuid not null,
     document bytea not null,
     sha256 text not null check (sha256 = encode(sha256(document), 'hex')),
     steps integer not null,
     is_revoked boolean not null,
     warnings jsonb not null,
     saved_at timestamptz not null,
     saved_by jsonb not null,
     primary key (playbook_id, version)
   )`,
  ...closeToOtherTenants('playbooks', 'playbook_version'),
  'grant select, insert on playbooks.playbook_version to playbooks_svc',
];
