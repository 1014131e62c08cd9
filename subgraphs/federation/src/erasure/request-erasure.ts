/** Asks every domain to erase a tenant, and records who wanted it. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import { envelopeOf } from '@aurorasoc/kit/domain';
import { NO_TENANT } from '@aurorasoc/kit/ids';
import { LockMode } from '@mikro-orm/core';
import type { FederationServices } from '../context.js';
import { TenantErasure } from './tenant-erasure.entity.js';

/**
 * The event is the request: what the record says and what domains are asked commit together, and its id is what they name
 * in their answers. Asked again, every domain does it once more and answers anew: one that was restored from a backup has
 * the tenant again, whatever the record says.
 */
export function requestErasure(
  { runtime, recorder, domains }: Pick<FederationServices, 'runtime' | 'recorder' | 'domains'>,
  principal: Principal,
  erasedTenant: string,
  reason: string,
): Promise<TenantErasure> {
  return runtime.database.inTenant(NO_TENANT, async (em) => {
    // Of two that ask at once the second one finds the first one's record.
    await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`erasure of ${erasedTenant}`]);
    const now = new Date();
    // Whoever notes an answer at this moment counts the version, too.
    let erasure = await em.findOne(TenantErasure, { erasedTenant }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (erasure === null) {
      const requestedBy = actorOf(principal);
      const requestedFrom = principal.tenant;
      erasure = new TenantErasure({ erasedTenant, reason, requestedBy, requestedFrom, requestedAt: now, domains });
      em.persist(erasure);
    } else erasure.beginAgain(domains);
    await recorder.record(em, {
      ...envelopeOf(erasure, actorOf(principal), now),
      type: 'tenant.erasure_requested',
      data: { tenantId: erasedTenant, reason, requestedFrom: principal.tenant },
    });
    return erasure;
  });
}
