import { auditLogSql } from '@aurorasoc/kit/audit';
import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { eventLogSql } from '@aurorasoc/kit/events';
import { Migration } from '@mikro-orm/migrations';

class CreateNotes extends Migration {
  override up(): void {
    for (const statement of [...eventLogSql('notes'), ...auditLogSql('notes'), ...notes]) this.addSql(statement);
  }
}

const notes = [
  'create table notes.note (id uuid primary key, tenant uuid not null, version integer not null, text text not null)',
  ...closeToOtherTenants('notes', 'note'),
  'grant select, insert on notes.note to notes_svc',
];

export const migrations = [{ name: '0001-notes', class: CreateNotes }];
