import { Migration } from '@mikro-orm/migrations';

/** An author's own name of an entry, by which one that is asked for twice is remembered once. Two authors may use the same. */
export class AddEntryKey extends Migration {
  override up(): void {
    this.addSql('alter table memory.entry add column key text');
    // Serves the look for what an author has remembered under a key.
    this.addSql(
      'alter table memory.entry add constraint entry_key_of_author unique (tenant, author_kind, author_id, key)',
    );
  }
}
