import { Migration } from '@mikro-orm/migrations';

/**
 * A database that was restored reaches a version of a tenant's rules again, with other rules: processes that run on compare this as
 * well, which no two changes have in common. Those who may write the version may write it.
 */
export class AddRuleSetStamps extends Migration {
  override up(): void {
    this.addSql('alter table alerts.rule_set add column stamp uuid not null default gen_random_uuid()');
  }
}
