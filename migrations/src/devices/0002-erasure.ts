import { outlivesErasure } from '@aurorasoc/kit/erasure';
import { Migration } from '@mikro-orm/migrations';

/** Whose a device was outlives it: what it sends after its tenant was erased must not pass for an unknown device's. */
export class KeepDirectory extends Migration {
  override up(): void {
    this.addSql('alter table devices.device_directory drop constraint device_directory_device_id_fkey');
    this.addSql(
      outlivesErasure(
        'devices',
        'device_directory',
        'tells late telemetry of an erased tenant from that of a stranger',
      ),
    );
  }
}
