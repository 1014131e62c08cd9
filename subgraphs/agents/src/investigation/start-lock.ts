/**
 * The lock of a tenant's starts, held to the end of the transaction: by whoever starts an investigation, or puts an alert into the
 * waiting line or takes it out. So no two investigations of one alert are started at one moment, and no more than there is room for.
 *
 * Who ends an investigation takes it with that investigation's row locked; its holders therefore never wait for such a row.
 */
import type { EntityManager } from '@aurorasoc/kit/database';

/** Waits for the holder's end. */
export async function lockStarts(em: EntityManager, tenant: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`investigate ${tenant}`]);
}
