/** A tenant's events from the table, in order of position. */
import type { Database } from '../database/database.js';
import type { DomainEvent } from '../events/event.js';

export interface EventRange {
  readonly tenant: string;
  /** Exclusive. */
  readonly after: number;
  /** Inclusive. */
  readonly upTo: number;
  /** Only this entity's events. */
  readonly subject?: string | undefined;
  readonly limit: number;
}

interface Row {
  position: string;
  id: string;
  type: string;
  subject: string;
  version: number;
  traceparent: string | null;
  body: Buffer;
}

export async function readEvents(database: Database, epoch: string, range: EventRange): Promise<DomainEvent[]> {
  const { domain } = database;
  const bySubject = range.subject === undefined ? '' : 'and e.subject = ?';
  const rows = await database.inTenant(
    range.tenant,
    (em) =>
      em.execute(
        `select p.position, e.id, e.type, e.subject, e.version, e.traceparent, e.body
         from ${domain}.event_position p join ${domain}.event e using (seq)
         where p.tenant = ? and p.position > ? and p.position <= ? ${bySubject} order by p.position limit ?`,
        [range.tenant, range.after, range.upTo, ...(range.subject === undefined ? [] : [range.subject]), range.limit],
      ) as Promise<Row[]>,
  );
  return rows.map((row) => ({
    ...row,
    position: Number(row.position),
    epoch,
    tenant: range.tenant,
    traceparent: row.traceparent ?? undefined,
    body: row.body.toString('utf8'),
  }));
}
