/**
 * What lets a domain give up a tenant, as statements that are run after its migrations, each time: they look at the
 * catalogue, so a table that a migration has just added is covered without a line about it there.
 *
 * `erased_tenant` closes a tenant for good. Every statement that writes in a tenant's session asks it first, under a lock
 * that the closing takes alone: once a tenant is closed no earlier writer is still at work, and no later one gets a row in.
 */
import { assertDomainName, roleName } from '../database/roles.js';
import { SESSION_TENANT } from '../database/tenant-table.js';
import { NO_TENANT } from '../ids.js';

/** What a write in the session of an erased tenant ends with; a class of its own, as PostgreSQL leaves them to users. */
export const TENANT_ERASED_STATE = 'TE001';

/**
 * Blocks of 8 KiB that one batch looks at. Whatever the table and however few of its rows are the tenant's, this bounds how
 * long a batch holds its locks.
 */
export const BLOCKS_PER_BATCH = 256;

const OUTLIVES = 'outlives erasure: ';

/**
 * A statement for a migration: the rows of this table stay when their tenant is erased.
 *
 * @param reason - what they are still needed for, and why that tells nothing of the tenant; readers of the schema find it.
 */
export function outlivesErasure(domain: string, table: string, reason: string): string {
  assertDomainName(domain);
  return `comment on table ${domain}.${table} is '${OUTLIVES}${reason.replaceAll("'", "''")}'`;
}

/**
 * A condition for workers that look for work of every tenant: what is left of a closed one is no work, and would only fail.
 *
 * @param table - name or alias in the statement.
 */
export function ofOpenTenant(domain: string, table: string): string {
  return `not exists (select from ${domain}.erased_tenant closed where closed.tenant = ${table}.tenant)`;
}

/** To be run as the owner role, in one transaction. They may be run again at any time. */
export function tenantErasureSql(domain: string): string[] {
  assertDomainName(domain);
  return [...kept(domain), ...erasedTenants(domain), erasableTables(domain), ...guard(domain), ...eraser(domain)];
}

/** Of the event log only what proves that nothing else was taken away; a domain need not have one. */
function kept(domain: string): string[] {
  const reasons = {
    event_position: 'positions are dense over all tenants; ids and numbers only',
    event_leaf: 'the hashes of what happened to a tenant, in the order of its Merkle log',
    tree_head: 'the roots of the Merkle log of a tenant',
  };
  return Object.entries(reasons).map(
    ([table, reason]) => `do $do$ begin
       if to_regclass('${domain}.${table}') is not null then
         ${outlivesErasure(domain, table, reason)};
       end if;
     end $do$`,
  );
}

function erasedTenants(domain: string): string[] {
  const [svc, store] = [roleName(domain, 'svc'), roleName(domain, 'store')];
  const eraserRole = roleName(domain, 'eraser');
  return [
    // It has no row security: workers look for unfinished erasures of every tenant, and it tells nothing but ids and counts.
    `create table if not exists ${domain}.erased_tenant (
       tenant uuid primary key check (tenant <> '${NO_TENANT}'),
       closed_at timestamptz not null default now(),
       -- Rows that were taken away so far, by table.
       tables jsonb not null default '{}',
       stream_entries integer not null default 0,
       dead_letters integer not null default 0
     )`,
    outlivesErasure(domain, 'erased_tenant', 'a tenant that was erased stays closed'),
    ...erasureRequests(domain),
    `grant usage on schema ${domain} to ${eraserRole}`,
    `grant select on ${domain}.erased_tenant to ${svc}, ${store}, ${eraserRole}`,
    `grant insert (tenant), update (stream_entries, dead_letters) on ${domain}.erased_tenant to ${eraserRole}`,
    `grant select, insert (request, tenant, erasure_id), update (rows_gone_at) on ${domain}.erasure_request to ${eraserRole}`,
    // In one transaction with the event that says so.
    `grant select, update (answered_at) on ${domain}.erasure_request to ${svc}`,
    `create or replace function ${domain}.erasure_lock(tenant uuid) returns bigint language sql immutable
     as $$ select hashtextextended('erasure ${domain} ' || tenant, 0) $$`,
  ];
}

/**
 * What the site has asked for, each once, however often its event comes. Rows stay for good: a stream that was wiped brings
 * requests back that were answered long ago.
 */
function erasureRequests(domain: string): string[] {
  return [
    // Without row security, as `erased_tenant` is.
    `create table if not exists ${domain}.erasure_request (
       -- A tenant's requests are done one after the other, in this order.
       number bigint generated always as identity primary key,
       -- The event that asked; unknown where it came before requests were told apart.
       request uuid unique,
       tenant uuid not null references ${domain}.erased_tenant,
       erasure_id uuid not null,
       asked_at timestamptz not null default now(),
       -- When a whole pass found no row any more: from then on only entries of streams are waited for.
       rows_gone_at timestamptz,
       answered_at timestamptz
     )`,
    outlivesErasure(domain, 'erasure_request', 'what was asked for once is not done again'),
    // Where a tenant's row said what was last asked for, and how far that was. Processes of that time have stopped, as
    // migrations/README.md asks for: they could take no request any more.
    `do $$ begin
       if exists (select from pg_attribute where attrelid = '${domain}.erased_tenant'::regclass and attname = 'erasure_id' and not attisdropped) then
         alter table ${domain}.erased_tenant add column if not exists rows_gone_at timestamptz;
         insert into ${domain}.erasure_request (tenant, erasure_id, asked_at, rows_gone_at, answered_at)
           select tenant, erasure_id, closed_at, rows_gone_at, finished_at from ${domain}.erased_tenant order by closed_at;
         alter table ${domain}.erased_tenant drop column erasure_id, drop column rows_gone_at, drop column finished_at;
       end if;
     end $$`,
  ];
}

/** One row per table that holds rows, partitions one by one. Partitions get no grants, so nobody but the owner reaches them. */
function erasableTables(domain: string): string {
  return `create or replace view ${domain}.erasable_table as
    select part.oid, part.relname::text as part, whole.relname::text as name
    from pg_class part
    join pg_attribute a on a.attrelid = part.oid and a.attname = 'tenant' and a.atttypid = 'uuid'::regtype and not a.attisdropped
    join pg_class whole on whole.oid = coalesce(pg_partition_root(part.oid), part.oid)
    where part.relnamespace = '${domain}'::regnamespace and part.relkind = 'r'
      and coalesce(obj_description(whole.oid, 'pg_class'), '') not like '${OUTLIVES}%'`;
}

function guard(domain: string): string[] {
  return [
    // Each statement in it has a snapshot of its own, so what the lock was waited for is seen. The lock is held to the
    // transaction's end: a tenant that was open once is open until then, and need not be asked about again.
    `create or replace function ${domain}.refuse_erased_tenant() returns trigger language plpgsql as $$
     declare
       writer uuid := ${SESSION_TENANT};
     begin
       if writer is null or current_setting('app.open_tenant', true) = writer::text then
         return null;
       end if;
       perform pg_advisory_xact_lock_shared(${domain}.erasure_lock(writer));
       if exists (select from ${domain}.erased_tenant e where e.tenant = writer) then
         raise exception 'the tenant was erased' using errcode = '${TENANT_ERASED_STATE}';
       end if;
       perform set_config('app.open_tenant', writer::text, true);
       return null;
     end $$`,
    // The inbox names no tenant, but what is handled for a closed one must not look as if it had been.
    `do $$
     declare
       guarded record;
     begin
       for guarded in
         select c.relname, c.relrowsecurity from pg_class c
         where c.relnamespace = '${domain}'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           and (c.relname = 'inbox' or exists (select from pg_attribute a
             where a.attrelid = c.oid and a.attname = 'tenant' and a.atttypid = 'uuid'::regtype and not a.attisdropped))
           and coalesce(obj_description(c.oid, 'pg_class'), '') not like '${OUTLIVES}%'
           and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'refuse_erased_tenant')
       loop
         execute format(
           'create trigger refuse_erased_tenant before insert or update on ${domain}.%I
            for each statement execute function ${domain}.refuse_erased_tenant()', guarded.relname);
         if guarded.relrowsecurity then
           execute format(
             'create policy erasure on ${domain}.%I to ${roleName(domain, 'owner')} using (tenant = %s)',
             guarded.relname, $text$${SESSION_TENANT}$text$);
         end if;
       end loop;
     end $$`,
  ];
}

function eraser(domain: string): string[] {
  return [
    // By the owner's rights, but for the session's tenant alone and only once that is closed. Asking for blocks, not for a
    // number of rows, needs no index and never looks at a row twice.
    `create or replace function ${domain}.erase_rows(part_name text, first_block bigint) returns integer
     language plpgsql security definer set search_path = pg_catalog as $$
     declare
       target uuid := ${SESSION_TENANT};
       whole text := (select name from ${domain}.erasable_table where part = part_name);
       gone integer;
     begin
       if whole is null or not exists (select from ${domain}.erased_tenant e where e.tenant = target) then
         raise exception 'no erasure allows this' using errcode = 'insufficient_privilege';
       end if;
       -- Without the guard and its policy rows could still come, or stay unseen, and the erasure end as if there were none.
       if not exists (select from pg_trigger t
         where t.tgrelid = format('${domain}.%I', whole)::regclass and t.tgname = 'refuse_erased_tenant') then
         raise exception 'table %: the migration that made it was not finished', whole
           using errcode = 'object_not_in_prerequisite_state', hint = 'run "aurora migrate"';
       end if;
       execute format('delete from ${domain}.%I where tenant = $1 and ctid >= $2 and ctid < $3', part_name)
         using target, format('(%s,0)', first_block)::tid, format('(%s,0)', first_block + ${BLOCKS_PER_BATCH})::tid;
       get diagnostics gone = row_count;
       if gone > 0 then
         update ${domain}.erased_tenant e
         set tables = e.tables || jsonb_build_object(whole, coalesce((e.tables ->> whole)::bigint, 0) + gone)
         where e.tenant = target;
       end if;
       return gone;
     end $$`,
    `revoke all on function ${domain}.erase_rows(text, bigint) from public`,
    `grant execute on function ${domain}.erase_rows(text, bigint) to ${roleName(domain, 'eraser')}`,
    `grant select on ${domain}.erasable_table to ${roleName(domain, 'eraser')}`,
  ];
}
