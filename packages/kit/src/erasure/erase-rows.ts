/** A tenant's rows of one domain: closing the tenant, then taking them away, a bounded number of blocks at a time. */
import type { Database } from '../database/database.js';
import { sleep } from '../lifecycle.js';
import { BLOCKS_PER_BATCH } from './erasure-sql.js';

/** An erasure that this domain has begun and not told the end of. */
export interface OpenErasure {
  readonly tenant: string;
  readonly id: string;
  /** Whether only entries of streams may be left. */
  readonly rowsAreGone: boolean;
}

/**
 * Closes the tenant for good: waits for every transaction that is writing for it, and lets no further one begin. For one
 * that was closed before the erasure begins anew and answers to this id: the site may have missed the end of the first, or
 * not know of it since it was restored.
 *
 * @param database - of the `eraser` login.
 * @returns false where it was closed before.
 */
export function closeTenant(database: Database, { tenant, id }: Pick<OpenErasure, 'tenant' | 'id'>): Promise<boolean> {
  const { domain } = database;
  return database.inTenant(tenant, async (em) => {
    await em.execute(`select pg_advisory_xact_lock(${domain}.erasure_lock(?))`, [tenant]);
    const rows = await em.execute(
      `insert into ${domain}.erased_tenant (tenant, erasure_id) values (?, ?) on conflict do nothing returning 1 as closed`,
      [tenant, id],
    );
    if (rows.length > 0) return true;
    await em.execute(
      `update ${domain}.erased_tenant set erasure_id = ?, rows_gone_at = null, finished_at = null where tenant = ?`,
      [id, tenant],
    );
    return false;
  });
}

export async function isTenantErased(database: Database, tenant: string): Promise<boolean> {
  const rows = await database.execute(`select 1 as found from ${database.domain}.erased_tenant where tenant = ?`, [
    tenant,
  ]);
  return rows.length > 0;
}

export function listErasedTenants(database: Database): Promise<{ tenant: string }[]> {
  return database.execute(`select tenant from ${database.domain}.erased_tenant`);
}

/** Oldest first. */
export function findOpenErasures(database: Database): Promise<OpenErasure[]> {
  return database.execute(
    `select tenant, erasure_id as id, rows_gone_at is not null as "rowsAreGone" from ${database.domain}.erased_tenant
     where finished_at is null order by closed_at`,
  );
}

/**
 * Takes away all rows of a closed tenant. Each batch is a transaction of its own, followed by a rest as long as it took, so
 * that others get half of the time; what a crash leaves, the next call takes. That they are gone is noted.
 *
 * @param database - of the `eraser` login.
 * @returns false when it was stopped before the end.
 */
export async function eraseRows(database: Database, tenant: string, signal: AbortSignal): Promise<boolean> {
  // Until a whole pass finds nothing: rows without row security may be written outside of the tenant's session.
  for (let gone = 1; gone > 0; ) {
    gone = 0;
    for (const part of await listParts(database))
      for (let block = 0; block < part.blocks; block += BLOCKS_PER_BATCH) {
        const startedAt = performance.now();
        gone += await eraseBatch(database, tenant, part.part, block);
        await sleep(performance.now() - startedAt, signal);
        if (signal.aborted) return false;
      }
  }
  await database.execute(`update ${database.domain}.erased_tenant set rows_gone_at = now() where tenant = ?`, [tenant]);
  return true;
}

async function eraseBatch(database: Database, tenant: string, part: string, block: number): Promise<number> {
  const [row] = (await database.inTenant(tenant, (em) =>
    em.execute(`select ${database.domain}.erase_rows(?, ?) as gone`, [part, block]),
  )) as { gone: number }[];
  return row?.gone ?? 0;
}

interface Part {
  readonly part: string;
  readonly oid: string;
  readonly blocks: number;
}

/** Those that refer to others before these, so that no foreign key stands in the way. */
async function listParts(database: Database): Promise<Part[]> {
  const { domain } = database;
  const parts = await database.execute<{ part: string; oid: string; blocks: string }>(
    `select part, oid::text, pg_relation_size(oid::regclass) / current_setting('block_size')::int as blocks
     from ${domain}.erasable_table order by part`,
  );
  const references = await database.execute<{ from: string; to: string }>(
    `select conrelid::oid::text as "from", confrelid::oid::text as "to" from pg_constraint
     where contype = 'f' and connamespace = '${domain}'::regnamespace and conrelid <> confrelid`,
  );
  const waiting = parts.map((part) => ({ ...part, blocks: Number(part.blocks) }));
  const ordered: Part[] = [];
  while (waiting.length > 0) {
    const isFree = ({ oid }: Part): boolean =>
      !references.some(({ from, to }) => to === oid && waiting.some((other) => other.oid === from));
    const free = waiting.findIndex(isFree);
    // Tables that refer to each other in a circle: the foreign keys themselves say whether that works.
    ordered.push(...waiting.splice(Math.max(0, free), 1));
  }
  return ordered;
}
