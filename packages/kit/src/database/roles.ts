/**
 * The database roles of a domain, cluster-wide names:
 *
 * - `<domain>_owner`: owns schema and tables, cannot log in; migrations run as it.
 * - `<domain>_svc`: the subgraph and its workers; owns nothing, row security holds for it.
 * - `<domain>_relay`: sequencer and relay; reads every tenant's domain events, nothing else.
 * - `<domain>_store`: inserts and reads events that ingest accepted.
 * - `<domain>_eraser`: takes away the rows of tenants that were closed, by one function; reads none of them.
 */
import { hkdfSync } from 'node:crypto';

export const LOGIN_ROLES = ['svc', 'relay', 'store', 'eraser'] as const;
export type LoginRole = (typeof LOGIN_ROLES)[number];

const DOMAIN = /^[a-z][a-z_]{0,30}$/;

/** @throws RangeError unless the name is safe to stand in SQL unquoted. */
export function assertDomainName(domain: string): void {
  if (!DOMAIN.test(domain)) throw new RangeError(`"${domain}" is not a domain name`);
}

export function roleName(domain: string, role: LoginRole | 'owner'): string {
  assertDomainName(domain);
  return `${domain}_${role}`;
}

/** The login's password, derived from the installation secret (HKDF-SHA-256, RFC 5869), so that none is stored or copied. */
export function loginPassword(secret: Buffer, domain: string, role: LoginRole): string {
  const salt = 'aurorasoc database login';
  return Buffer.from(hkdfSync('sha256', secret, salt, roleName(domain, role), 24)).toString('base64url');
}

/** The URL of the server and database in `url`, with the login of one role in place of whatever login it held. */
export function loginUrl(url: string, secret: Buffer, domain: string, role: LoginRole): string {
  const login = new URL(url);
  login.username = roleName(domain, role);
  login.password = loginPassword(secret, domain, role);
  return login.href;
}
