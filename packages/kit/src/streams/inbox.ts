/** The inbox: a redelivered message finds its row and does nothing. */
import { arrayLiteral } from '../database/array-literal.js';
import type { Database, EntityManager } from '../database/database.js';
import { PoisonMessageError } from '../errors.js';
import { isUuid } from '../ids.js';
import type { StreamEntry } from './entry.js';

/** The relay publishes a day again; ingest sends again what its spool still holds, which on a quiet site may be days old. */
const KEEP_HOURS = 14 * 24;

/**
 * A consumer's handler whose effect and inbox rows share one transaction of the entries' tenant.
 *
 * @param consumer - the inbox's name for this effect; never change it, or everything is handled again.
 * @param effect - gets the entries that were not handled before, in order; `repeated` holds the others.
 */
export function handleOnce(
  database: Database,
  consumer: string,
  effect: (em: EntityManager, fresh: readonly StreamEntry[], repeated: readonly StreamEntry[]) => Promise<void>,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return async (entries) => {
    const tenant = entries[0]?.tenant ?? '';
    if (!isUuid(tenant)) throw new PoisonMessageError('The entry names no tenant', { field: 'tenant' });
    await database.inTenant(tenant, async (em) => {
      const isFresh = await enterInbox(em, database.domain, consumer, entries);
      const fresh = entries.filter(
        (entry, index) =>
          isFresh.has(entry.messageId) && entries.findIndex((other) => other.messageId === entry.messageId) === index,
      );
      await effect(
        em,
        fresh,
        entries.filter((entry) => !fresh.includes(entry)),
      );
    });
  };
}

/** @returns the message ids that were new. */
async function enterInbox(
  em: EntityManager,
  domain: string,
  consumer: string,
  entries: readonly StreamEntry[],
): Promise<Set<string>> {
  const ids = [...new Set(entries.map((entry) => entry.messageId))].sort();
  const rows = (await em.execute(
    `insert into ${domain}.inbox (consumer, message_id) select ?, unnest(?::text[]) on conflict do nothing returning message_id`,
    [consumer, arrayLiteral(ids)],
  )) as { message_id: string }[];
  return new Set(rows.map((row) => row.message_id));
}

/** Removes rows that no redelivery can meet any more. @returns how many. */
export async function purgeInbox(database: Database): Promise<number> {
  const rows = await database.execute(
    `delete from ${database.domain}.inbox where received_at < now() - interval '${KEEP_HOURS} hours' returning 1 as gone`,
  );
  return rows.length;
}
