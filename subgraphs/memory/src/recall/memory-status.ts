import type { MemoryServices } from '../context.js';
import type { MemoryStatus } from './recall.type.js';

/** What is in force for a tenant, with counts of its entries. */
export async function readMemoryStatus(services: MemoryServices, tenant: string): Promise<MemoryStatus> {
  const { index, reason, isDegraded } = await services.chooser.choose();
  const [count] = (await services.runtime.database.inTenant(tenant, (em) =>
    em.execute(
      'select count(*) filter (where not is_quarantined)::int as kept, count(*) filter (where is_quarantined)::int as quarantined from memory.entry',
    ),
  )) as { kept: number; quarantined: number }[];
  const { kept = 0, quarantined = 0 } = count ?? {};
  const limit = index?.entryLimit;
  const isBeyond = limit !== undefined && kept > limit;
  return {
    vectorIndex: index?.kind ?? 'OFF',
    setting: services.setting,
    reason: isBeyond ? `${reason}; of ${kept} entries only the newest ${limit} are compared` : reason,
    isDegraded: isDegraded || isBeyond,
    entryLimit: limit ?? null,
    entryCount: kept,
    quarantinedCount: quarantined,
    embedder: services.embedder.name,
    dimensions: services.embedder.dimensions,
  };
}
