import { Migration } from '@mikro-orm/migrations';

/**
 * Receipts of batches are removed once nothing can ask for them: a batch of so old a day is refused, since its events would
 * have no partition. Until then each is needed: it counts the acknowledgements of a batch whose inbox row is gone.
 */
export class RemoveOldReceipts extends Migration {
  override up(): void {
    // A day longer than `alerts.create_event_partition` makes partitions for.
    const isOld = `stored_at < now() - interval '401 days'`;
    this.addSql(`create policy old_seen on alerts.ingest_batch for select to alerts_owner using (${isOld})`);
    this.addSql(`create policy old_removed on alerts.ingest_batch for delete to alerts_owner using (${isOld})`);
    // Ids of batches begin with the time at which they were accepted, which is before they are stored: the primary key finds the
    // old ones. So many a time are above what a busy site stores within the hour.
    this.addSql(`create function alerts.remove_old_receipts() returns integer language plpgsql security definer set search_path = pg_catalog as $$
     declare
       first_kept uuid := (lpad(to_hex((extract(epoch from now() - interval '401 days') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
       gone integer;
     begin
       delete from alerts.ingest_batch
       where id in (select id from alerts.ingest_batch where id < first_kept and ${isOld} order by id limit 50000);
       get diagnostics gone = row_count;
       return gone;
     end $$`);
    this.addSql('revoke all on function alerts.remove_old_receipts() from public');
    this.addSql('grant execute on function alerts.remove_old_receipts() to alerts_store');
  }
}
