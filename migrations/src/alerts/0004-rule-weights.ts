import { Migration } from '@mikro-orm/migrations';

/** What a tenant's rules cost is known without reading them, as is what lists show of them. */
export class AddRuleWeights extends Migration {
  override up(): void {
    // Of rules that are there already it is what public rules weigh by their text, until they are saved again. Row security hides
    // them from an update; a new type is computed of all.
    this.addSql('alter table alerts.detection_rule add column weight integer not null default 0');
    this.addSql(
      'alter table alerts.detection_rule alter column weight drop default, alter column weight type integer using ceil(length(source) * 3 / 8.0)',
    );
    // Of what a process of the former release saves that runs on: the average of public rules.
    this.addSql('alter table alerts.detection_rule alter column weight set default 545');
    // Null for those: they are read where they are shown.
    this.addSql('alter table alerts.detection_rule add column facts jsonb');
  }
}
