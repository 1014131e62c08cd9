/** Statements whose parameters go beside them. */
import type { EntityManager, Kysely } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

/**
 * Runs one statement of the open transaction with `$1`… for its parameters, which PostgreSQL then gets as they are. An entity
 * manager's `execute` writes them into the statement as literals; for megabytes, that is most of the work.
 */
export async function executeBound<T extends object>(
  em: EntityManager,
  sql: string,
  parameters: readonly (string | number | boolean | null)[],
): Promise<T[]> {
  const transaction = em.getTransactionContext<Kysely<unknown>>();
  if (transaction === undefined) throw new RangeError('there is no open transaction');
  const { rows } = await transaction.executeQuery<T>(CompiledQuery.raw(sql, [...parameters]));
  return rows;
}
