/** SQL that migrations share: tables whose rows belong to a tenant, closed to everybody outside the tenant's session. */
import { assertDomainName } from './roles.js';

/** The tenant of the session; null outside of one, which no row equals. After a commit the setting is '' rather than unset. */
export const SESSION_TENANT = `nullif(current_setting('app.tenant', true), '')::uuid`;

/**
 * Statements that close a table having a `tenant` column: forced row security, one policy for the domain's logins.
 *
 * @param table - name without schema.
 */
export function closeToOtherTenants(domain: string, table: string): string[] {
  assertDomainName(domain);
  return [
    `alter table ${domain}.${table} enable row level security`,
    `alter table ${domain}.${table} force row level security`,
    `create policy tenant on ${domain}.${table} using (tenant = ${SESSION_TENANT}) with check (tenant = ${SESSION_TENANT})`,
  ];
}
