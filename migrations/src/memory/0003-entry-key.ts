import { Migration } from '@mikro-orm/migrations';

/** The author's own name of an entry, by which one that is asked for twice is remembered once. */
export class AddEntryKey extends Migration {
  override up(): void {
    this.addSql('alter table memory.entry add column key text');
    this.addSql('alter table memory.entry add constraint entry_key_of_tenant unique (tenant, key)');
  }
}
