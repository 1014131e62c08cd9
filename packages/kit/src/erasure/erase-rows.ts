/** A tenant's rows of one domain: closing the tenant, then taking them away, a bounded number of blocks at a time. */
import type { Database } from '../database/database.js';
import { sleep } from '../lifecycle.js';
import { BLOCKS_PER_BATCH } from './erasure-sql.js';

/** What the site asks for. */
export interface ErasureRequest {
  /** Id of the event that asks: the same one is the same request. */
  readonly request: string;
  readonly tenant: string;
  /** Id of the erasure, which may be asked for again. */
  readonly erasureId: string;
}

/** A request that this domain has not answered. */
export interface OpenErasure extends Omit<ErasureRequest, 'request'> {
  /** The domain's own count of requests. */
  readonly number: number;
  /** Null where it was asked for before requests were told apart. */
  readonly request: string | null;
  /** Whether only entries of streams may be left. */
  readonly rowsAreGone: boolean;
}

/**
 * Closes the tenant for good: waits for every transaction that is writing for it, and lets no further one begin. Each request
 * is taken once. A further one of a tenant that was closed before is done all the same, behind the earlier ones: the site may
 * have missed an answer, or not know of it since it was restored, and the tenant may be back.
 *
 * @param database - of the `eraser` login.
 * @returns false where the request was taken before.
 */
export function closeTenant(database: Database, { request, tenant, erasureId }: ErasureRequest): Promise<boolean> {
  const { domain } = database;
  return database.inTenant(tenant, async (em) => {
    await em.execute(`select pg_advisory_xact_lock(${domain}.erasure_lock(?))`, [tenant]);
    await em.execute(`insert into ${domain}.erased_tenant (tenant) values (?) on conflict do nothing`, [tenant]);
    const taken = await em.execute(
      `insert into ${domain}.erasure_request (request, tenant, erasure_id) values (?, ?, ?)
       on conflict do nothing returning 1 as taken`,
      [request, tenant, erasureId],
    );
    return taken.length > 0;
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

/** Of each tenant the oldest request that is open, oldest first. */
export async function findOpenErasures(database: Database): Promise<OpenErasure[]> {
  const { domain } = database;
  const rows = await database.execute<Omit<OpenErasure, 'number'> & { number: string }>(
    `select number, request, tenant, erasure_id as "erasureId", rows_gone_at is not null as "rowsAreGone"
     from ${domain}.erasure_request open where answered_at is null and not exists (
       select from ${domain}.erasure_request earlier
       where earlier.tenant = open.tenant and earlier.answered_at is null and earlier.number < open.number)
     order by number`,
  );
  return rows.map((row) => ({ ...row, number: Number(row.number) }));
}

/** Notes that {@link eraseRows} has come to its end since the request came. @param database - of the `eraser` login. */
export async function noteRowsGone(database: Database, { number }: OpenErasure): Promise<void> {
  await database.execute(`update ${database.domain}.erasure_request set rows_gone_at = now() where number = ?`, [
    number,
  ]);
}

/**
 * Takes away all rows of a closed tenant. Each batch is a transaction of its own, followed by a rest as long as it took, so
 * that others get half of the time; what a crash leaves, the next call takes.
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
