import { Migration } from '@mikro-orm/migrations';

/** What waits: tasks for an agent that is away. */
export class AddWaiting extends Migration {
  override up(): void {
    for (const statement of awaySince) this.addSql(statement);
  }
}

const awaySince = [
  // Null while the agent answers. By the database's clock, as leases are.
  'alter table agents.task add column agent_away_since timestamptz',
];
