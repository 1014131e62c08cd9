/**
 * The tables under a domain's Merkle logs, one log per tenant, as statements for a migration.
 *
 * Leaves outlive the events that they are the hashes of: what is left after retention or erasure still proves that nothing
 * else was taken away.
 */

import { assertDomainName, roleName } from '../database/roles.js';
import { closeToOtherTenants } from '../database/tenant-table.js';

export function auditLogSql(domain: string): string[] {
  assertDomainName(domain);
  const [svc, relay] = [roleName(domain, 'svc'), roleName(domain, 'relay')];
  return [
    `create table ${domain}.event_leaf (
       tenant uuid not null,
       leaf bigint not null check (leaf >= 0),
       position bigint not null unique,
       hash bytea not null check (octet_length(hash) = 32),
       primary key (tenant, leaf)
     )`,
    `create table ${domain}.tree_head (
       tenant uuid not null,
       size bigint not null check (size > 0),
       root bytea not null check (octet_length(root) = 32),
       range bytea not null,
       sealed_at timestamptz not null default now(),
       primary key (tenant, size)
     )`,
    // The one row says up to where events are sealed.
    `create table ${domain}.event_sealed (position bigint not null)`,
    `insert into ${domain}.event_sealed values (0)`,
    ...['event_leaf', 'tree_head'].flatMap((table) => [
      ...closeToOtherTenants(domain, table),
      `create policy sealer on ${domain}.${table} to ${relay} using (true) with check (true)`,
      `grant select, insert on ${domain}.${table} to ${relay}`,
      `grant select on ${domain}.${table} to ${svc}`,
    ]),
    `grant select, update on ${domain}.event_sealed to ${relay}`,
    `grant select on ${domain}.event_sealed to ${svc}`,
  ];
}
