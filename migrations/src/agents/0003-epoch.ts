import { Migration } from '@mikro-orm/migrations';

/** The relay notices when the database was restored, and begins a new epoch. */
export class LetRelayRenewEpoch extends Migration {
  override up(): void {
    this.addSql('grant update on agents.event_epoch to agents_relay');
  }
}
