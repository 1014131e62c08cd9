import { Migration } from '@mikro-orm/migrations';

/** Room and upkeep for tables whose rows are changed soon after they were written. */
export class KeepTasksUpdatable extends Migration {
  override up(): void {
    // A task is written, claimed and ended: with room for its later versions on the same page, none of its indexes changes.
    this.addSql('alter table agents.task set (fillfactor = 50)');
    // Emptied as fast as it fills: without this, a look for due tasks meets all that were due since the default threshold.
    this.addSql(
      'alter table agents.task_queue set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)',
    );
  }
}
