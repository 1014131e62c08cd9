/**
 * Gives connections back to the pool that broke in the middle of a transaction.
 *
 * Kysely releases a connection after COMMIT or ROLLBACK has succeeded, and never when BEGIN or ROLLBACK fails, as both do on
 * a broken one. Each such loss would cost a place in the pool for good: four cuts, and the process waits for ever.
 */
import type { Pool, PoolClient } from 'pg';

/** What `pg` says when `query_timeout` has run out; the server may be silent for good, so the connection cannot be used again. */
const READ_TIMEOUT = 'Query read timeout';

/** @param pool - before its first connection is made. */
export function makeReliable(pool: Pool): void {
  const taken = new Set<PoolClient>();
  pool.on('acquire', (client) => taken.add(client));
  pool.on('release', (_error, client) => taken.delete(client));
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      if (!taken.has(client)) return;
      client.release(error);
      // Whoever held it may release it as well, and the pool takes a second time for a bug.
      client.release = () => undefined;
    });
    breakOnReadTimeout(client);
  });
}

/** The connection as `pg` has it inside; its types do not show it. */
type WithConnection = PoolClient & { readonly connection: { readonly stream: { destroy(error: Error): void } } };

function breakOnReadTimeout(client: PoolClient): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((...args: unknown[]): unknown => {
    const result = query(...args);
    if (result instanceof Promise)
      result.catch((error: Error) => {
        if (error.message === READ_TIMEOUT) (client as WithConnection).connection.stream.destroy(error);
      });
    return result;
  }) as PoolClient['query'];
}
