/** Where a window of time begins in a domain's log. */
import type { Client } from 'pg';

const LOOKED_AT = 50;

/**
 * A position just before the first event that occurred after a time. Found by halving, since positions follow time closely: each
 * step reads a few rows by their key, however long the history is. A few and not one: whoever wrote it may have had a wrong clock.
 *
 * @param known - the last position that exists.
 * @returns the first such event's position, or one of up to {@link LOOKED_AT} before it; `known + 1` where no event is that young.
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
       where p.position >= $1 and p.position < $2 order by p.position limit ${LOOKED_AT}`,
      [middle, high],
    );
    const last = rows.at(-1);
    if (last === undefined || rows.some((row) => row.occurred_at > time)) high = middle;
    else low = Number(last.position) + 1;
  }
  return low;
}
