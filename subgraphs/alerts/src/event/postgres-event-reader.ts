/** Events in PostgreSQL: partitions by the day of acceptance, searched by hashed terms and checked against the document. */
import { arrayLiteral, type Database, type EntityManager } from '@aurorasoc/kit/database';
import { timestampOf } from '@aurorasoc/kit/ids';
import type { EventDocument, EventReader, EventSearch, StoredEvent } from './event-store.js';
import type { FieldTerm } from './search/parse-query.js';
import { foldValue, leavesOf, termHash } from './search/terms.js';

interface Row {
  id: string;
  ingested: string;
  occurred_at: string;
  code: string | null;
  dataset: string | null;
  host_name: string | null;
  user_name: string | null;
  is_raw: boolean;
  document: string;
}

const COLUMNS = 'id, ingested, occurred_at, code, dataset, host_name, user_name, is_raw, document';

export class PostgresEventReader implements EventReader {
  constructor(private readonly database: Database) {}

  async search(tenant: string, search: EventSearch): Promise<StoredEvent[]> {
    return this.database.inTenant(tenant, async (em) => {
      const found: StoredEvent[] = [];
      let after = search.after;
      // A page is read again only when two terms share a hash: the chance is one in four thousand million a pair.
      for (;;) {
        const rows = await selectPage(em, tenant, { ...search, after });
        found.push(...rows.filter((row) => matches(row, search.terms)).map(toStoredEvent));
        const last = rows.at(-1);
        if (found.length >= search.limit || rows.length < search.limit || !last) return found.slice(0, search.limit);
        after = [new Date(last.occurred_at).toISOString(), last.id];
      }
    });
  }

  async byIds(tenant: string, ids: readonly string[]): Promise<StoredEvent[]> {
    const known = ids.filter((id) => timestampOf(id) !== undefined);
    if (known.length === 0) return [];
    const rows = await this.database.inTenant(
      tenant,
      (em) =>
        em.execute(
          `select ${COLUMNS} from alerts.ingested_event
           where (ingested, id) in (select * from unnest(?::timestamptz[], ?::uuid[])) and tenant = ?`,
          [arrayLiteral(known.map((id) => ingestedAt(id).toISOString())), arrayLiteral(known), tenant],
        ) as Promise<Row[]>,
    );
    return rows.map(toStoredEvent);
  }
}

/** The partition key: the moment of acceptance, which the event's id carries. */
export function ingestedAt(eventId: string): Date {
  const timestamp = timestampOf(eventId);
  if (timestamp === undefined) throw new RangeError(`${eventId} is not the id of an ingested event`);
  return new Date(timestamp);
}

function selectPage(em: EntityManager, tenant: string, search: EventSearch): Promise<Row[]> {
  const conditions = ['tenant = ?'];
  const values: unknown[] = [tenant];
  const add = (condition: string, ...parameters: unknown[]): void => {
    conditions.push(condition);
    values.push(...parameters);
  };
  if (search.terms.length > 0)
    add('terms @> ?::integer[]', arrayLiteral(search.terms.map(({ field, value }) => termHash(field, value))));
  if (search.from) add('occurred_at >= ?', search.from);
  if (search.to) add('occurred_at < ?', search.to);
  if (search.after) add('(occurred_at, id) < (?::timestamptz, ?::uuid)', ...search.after);
  return em.execute(
    `select ${COLUMNS} from alerts.ingested_event where ${conditions.join(' and ')} order by occurred_at desc, id desc limit ?`,
    [...values, search.limit],
  ) as Promise<Row[]>;
}

function matches(row: Row, terms: readonly FieldTerm[]): boolean {
  if (terms.length === 0) return true;
  const leaves = leavesOf(JSON.parse(row.document) as EventDocument);
  return terms.every((term) =>
    leaves.some((leaf) => leaf.field === term.field && foldValue(leaf.value) === foldValue(term.value)),
  );
}

function toStoredEvent(row: Row): StoredEvent {
  return {
    id: row.id,
    occurredAt: new Date(row.occurred_at),
    ingestedAt: new Date(row.ingested),
    code: row.code,
    dataset: row.dataset,
    hostName: row.host_name,
    userName: row.user_name,
    isRaw: row.is_raw,
    document: row.document,
  };
}
