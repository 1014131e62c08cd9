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

/** Which of some entries' message ids the inbox of an effect holds already, whichever tenants they are of. */
export function findHandled(
  database: Database,
  consumer: string,
): (entries: readonly StreamEntry[]) => Promise<ReadonlySet<string>> {
  return async (entries) => {
    const rows = await database.execute<{ message_id: string }>(
      `select message_id from ${database.domain}.inbox where consumer = ? and message_id = any(?::text[])`,
      [consumer, arrayLiteral(entries.map((entry) => entry.messageId))],
    );
    return new Set(rows.map((row) => row.message_id));
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

/** Rows that one statement removes: all of a busy hour would take longer than a statement may, and go back. */
const PURGED_AT_ONCE = 10_000;

/** Removes rows that no redelivery can meet any more, part by part. @returns how many. */
export async function purgeInbox(database: Database): Promise<number> {
  const { domain } = database;
  for (let gone = 0; ; ) {
    const [row] = await database.execute<{ gone: number }>(
      `with removed as (
         delete from ${domain}.inbox where ctid = any(array(
           select ctid from ${domain}.inbox where received_at < now() - interval '${KEEP_HOURS} hours' limit ${PURGED_AT_ONCE}))
         returning 1)
       select count(*)::integer as gone from removed`,
    );
    gone += row?.gone ?? 0;
    if ((row?.gone ?? 0) < PURGED_AT_ONCE) return gone;
  }
}
