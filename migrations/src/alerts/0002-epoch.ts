import { Migration } from '@mikro-orm/migrations';

/** The relay notices when the database was restored, and begins a new epoch. */
export class LetRelayRenewEpoch extends Migration {
  override up(): void {
    this.addSql('grant update on alerts.event_epoch to alerts_relay');
  }
}
