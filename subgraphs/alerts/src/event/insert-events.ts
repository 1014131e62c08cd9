/** Writes a batch's events: one statement, repeats fall away by their key. */
import { arrayLiteral, type Database, type EntityManager, executeBound } from '@aurorasoc/kit/database';
import type { EventDocument, IncomingEvent } from './event-store.js';
import { ingestedAt } from './postgres-event-reader.js';
import { termsOf } from './search/terms.js';

/**
 * @param events - their texts without a line break, as canonical JSON is.
 * @returns how many were new.
 * @throws RangeError for a text with one, before anything is written: each later event would be stored with another one's text.
 */
export async function insertEvents(
  em: EntityManager,
  tenant: string,
  events: readonly IncomingEvent[],
): Promise<number> {
  const broken = events.find((event) => event.text.includes('\n'));
  if (broken) throw new RangeError(`The text of event ${broken.id} has a line break, so it is no canonical JSON`);
  const rows = events.map((event) => toRow(event));
  const column = (name: keyof EventRow): string => arrayLiteral(rows.map((row) => row[name]));
  const inserted = await executeBound(
    em,
    `insert into alerts.ingested_event (tenant, ingested, id, occurred_at, code, dataset, host_name, user_name, is_raw, terms, document)
     select $1::uuid, ingested, id, occurred_at, code, dataset, host_name, user_name, is_raw, terms::integer[], document
     from unnest($2::timestamptz[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::text[], string_to_array($11, E'\\n'))
       as row (ingested, id, occurred_at, code, dataset, host_name, user_name, is_raw, terms, document)
     on conflict do nothing returning 1 as stored`,
    [
      tenant,
      column('ingested'),
      column('id'),
      column('occurredAt'),
      column('code'),
      column('dataset'),
      column('hostName'),
      column('userName'),
      column('isRaw'),
      column('terms'),
      // By far the most bytes: an array's literal would quote each of their quotes.
      events.map((event) => event.text).join('\n'),
    ],
  );
  return inserted.length;
}

/** Makes the partitions of days that were not seen yet; redelivered batches may be days old. */
export class PartitionKeeper {
  readonly #known = new Set<string>();

  constructor(private readonly database: Database) {}

  async prepare(events: readonly IncomingEvent[]): Promise<void> {
    const days = new Set(events.map((event) => ingestedAt(event.id).toISOString().slice(0, 10)));
    for (const day of days) {
      if (this.#known.has(day)) continue;
      await this.database.execute('select alerts.create_event_partition(?::date)', [day]);
      this.#known.add(day);
    }
  }
}

interface EventRow {
  id: string;
  ingested: string;
  occurredAt: string;
  code: string | null;
  dataset: string | null;
  hostName: string | null;
  userName: string | null;
  isRaw: boolean;
  terms: string;
}

function toRow({ id, document }: IncomingEvent): EventRow {
  const ingested = ingestedAt(id).toISOString();
  const occurredAt = textAt(document, '@timestamp');
  return {
    id,
    ingested,
    occurredAt: occurredAt !== null && !Number.isNaN(Date.parse(occurredAt)) ? occurredAt : ingested,
    code: textAt(document, 'event', 'code'),
    dataset: textAt(document, 'event', 'dataset'),
    hostName: textAt(document, 'host', 'name'),
    userName: textAt(document, 'user', 'name'),
    isRaw: textAt(document, 'event', 'kind') === 'pipeline_error',
    terms: `{${termsOf(document).join(',')}}`,
  };
}

/** The text at a path of the document; null where there is none, or where PostgreSQL could not hold it (NUL). */
export function textAt(document: EventDocument, ...path: readonly string[]): string | null {
  let value: EventDocument[string] | undefined = document;
  for (const key of path)
    value = value !== null && typeof value === 'object' && !Array.isArray(value) ? value[key] : undefined;
  return typeof value === 'string' && !value.includes('\0') ? value : null;
}
