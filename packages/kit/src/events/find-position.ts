/** Where a window of time begins in a domain's log. */
import type { Client } from 'pg';

/**
 * The first position whose event occurred after a time. Found by halving, since positions follow time closely: each step reads one
 * row by its key, however long the history is.
 *
 * @param known - the last position that exists.
 * @returns `known + 1` where there is none.
 */
export async function firstPositionAfter(
  client: Pick<Client, 'query'>,
  domain: string,
  time: Date,
  known: number,
): Promise<number> {
  let [low, high] = [1, known + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    // The next one that is still there: events of erased tenants are not.
    const { rows } = await client.query<{ position: string; occurred_at: Date }>(
      `select p.position, e.occurred_at from ${domain}.event_position p join ${domain}.event e using (seq)
       where p.position >= $1 and p.position < $2 order by p.position limit 1`,
      [middle, high],
    );
    const [next] = rows;
    if (next === undefined || next.occurred_at > time) high = middle;
    else low = Number(next.position) + 1;
  }
  return low;
}

export function hoursAgo(hours: number): Date {
  return new Date(Date.now() - hours * 3_600_000);
}
