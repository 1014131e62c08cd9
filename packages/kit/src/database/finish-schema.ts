/**
 * What follows a domain's migrations each time, and the mark that says for which release that was done last.
 *
 * These statements have no number, so the list of applied migrations says nothing of them. The mark is a comment on that list's
 * table, set in their transaction: a digest of the migrations' names and of the statements. A migration that was committed
 * before the rest broke off therefore leaves a schema that no release takes for its own, not tables that no erasure reaches.
 */
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { tenantErasureSql } from '../erasure/erasure-sql.js';
import { AuroraError } from '../errors.js';
import type { DomainMigrations } from './migrate.js';
import { roleName } from './roles.js';

/**
 * After every migration, so that tables which it has made are covered, and processes can see what was applied.
 * @throws AuroraError `SCHEMA_TOO_NEW`: a former release would take a newer one's statements back.
 */
export async function finishSchema(admin: Client, domain: string, migrations: DomainMigrations): Promise<void> {
  await admin.query('begin');
  await admin.query(`set local role ${roleName(domain, 'owner')}`);
  const { rows } = await admin.query<{ name: string }>(`select name from ${domain}.migration order by name`);
  refuseNewer(
    domain,
    rows.map(({ name }) => name),
    migrations,
  );
  const statements = finishingSql(domain);
  for (const statement of statements) await admin.query(statement);
  await admin.query(`comment on table ${domain}.migration is '${finishMark(migrations, statements)}'`);
  await admin.query('commit');
}

/** What the comment on `<domain>.migration` says once `statements` have followed these migrations. */
export function finishMark(migrations: DomainMigrations, statements: readonly string[]): string {
  const done = { migrations: migrations.map(({ name }) => name), statements };
  return `finished: ${createHash('sha256').update(JSON.stringify(done)).digest('hex')}`;
}

/** In their order; nothing else is done to a schema after its migrations. */
export function finishingSql(domain: string): string[] {
  return [...tenantErasureSql(domain), `grant select on ${domain}.migration to ${roleName(domain, 'svc')}`];
}

/** @throws AuroraError `SCHEMA_TOO_NEW` where migrations were applied that the release does not know. */
export function refuseNewer(domain: string, applied: readonly string[], migrations: DomainMigrations): void {
  const foreign = applied.filter((name) => !migrations.some((known) => known.name === name));
  if (foreign.length === 0) return;
  throw new AuroraError({
    code: 'SCHEMA_TOO_NEW',
    publicMessage: `The schema of ${domain} was migrated by a newer release (${foreign.join(', ')}): start that one`,
  });
}
