/**
 * The lock of an alert's investigations, held to the end of the transaction: by whoever starts one, or puts the alert into the
 * waiting line or takes it out.
 */
import type { EntityManager } from '@aurorasoc/kit/database';

const keyOf = (tenant: string, alertId: string): string => `investigate ${tenant} ${alertId}`;

/** Waits for the holder's end. */
export async function lockAlert(em: EntityManager, tenant: string, alertId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [keyOf(tenant, alertId)]);
}

/** @returns false, at once, while somebody else holds it. */
export async function tryLockAlert(em: EntityManager, tenant: string, alertId: string): Promise<boolean> {
  const rows = (await em.execute('select pg_try_advisory_xact_lock(hashtextextended(?, 0)) as held', [
    keyOf(tenant, alertId),
  ])) as { held: boolean }[];
  return rows[0]?.held === true;
}
