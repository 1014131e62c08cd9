/** Writing a domain event: in the transaction of the change it tells of, after the entity's row. */

import type { EntityManager } from '@mikro-orm/postgresql';
import canonicalize from 'canonicalize';
import { arrayLiteral } from '../database/array-literal.js';
import { executeBound } from '../database/execute-bound.js';
import { newId } from '../ids.js';
import { currentTraceparent } from '../telemetry.js';
import { dataSchemaOf, type EventSchemas, type NewEvent } from './event.js';

/** The NOTIFY channel that wakes a domain's sequencer. */
export function eventChannel(domain: string): string {
  return `${domain}_event`;
}

/** Writes events of one domain. */
export class EventRecorder<S extends EventSchemas> {
  /** @param site - authority of the events' `source`. */
  constructor(
    readonly domain: string,
    private readonly site: string,
    private readonly schemas: S,
  ) {}

  /**
   * Adds an event to the open transaction. Pending changes are flushed first: the entity's row lock must be held before
   * the event takes its `seq`, else two writers of one entity could be sequenced against their versions.
   *
   * @throws ZodError when `data` does not fit the type's schema: a bug of the caller, nothing is written.
   */
  record<T extends keyof S & string>(em: EntityManager, event: NewEvent<S, T>): Promise<void> {
    return this.recordAll(em, [event]);
  }

  /**
   * Adds events to the open transaction in one statement, which gives them their `seq` in this order; else as `record`.
   *
   * @param events - those of one entity by rising version; may be empty.
   */
  async recordAll<T extends keyof S & string>(em: EntityManager, events: readonly NewEvent<S, T>[]): Promise<void> {
    const rows = events.map((event) => this.#rowOf(event));
    await em.flush();
    if (rows.length === 0) return;
    const column = (name: keyof EventRow): string => arrayLiteral(rows.map((row) => row[name]));
    await executeBound(
      em,
      `with written as (
         insert into ${this.domain}.event (id, tenant, type, subject, version, occurred_at, traceparent, body)
         select id, tenant, type, subject, version, occurred_at, traceparent, convert_to(body, 'UTF8')
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::text[], $8::text[])
           with ordinality given (id, tenant, type, subject, version, occurred_at, traceparent, body, place)
         order by place returning seq, tenant
       ), pending as (
         insert into ${this.domain}.event_pending (seq, tenant) select seq, tenant from written
       ) select pg_notify('${eventChannel(this.domain)}', '')`,
      EVENT_COLUMNS.map(column),
    );
  }

  #rowOf<T extends keyof S & string>(event: NewEvent<S, T>): EventRow {
    const schema = this.schemas[event.type];
    if (!schema) throw new RangeError(`${this.domain} has no event type ${event.type}`);
    const id = newId();
    const traceparent = event.traceparent ?? currentTraceparent();
    const occurredAt = event.occurredAt.toISOString();
    const body = canonicalize({
      specversion: '1.0',
      id,
      source: `aurora://${this.site}/${this.domain}`,
      type: event.type,
      subject: event.subject,
      time: occurredAt,
      datacontenttype: 'application/json',
      ...dataSchemaOf(event.type, schema),
      tenant: event.tenant,
      actor: event.actor,
      version: event.version,
      ...(traceparent === undefined ? {} : { traceparent }),
      data: schema.parse(event.data),
    });
    // An object has always a canonical form; only `undefined` has none.
    if (body === undefined) throw new RangeError(`the event ${event.type} has no body`);
    const { tenant, type, subject, version } = event;
    return { id, tenant, type, subject, version, occurredAt, traceparent: traceparent ?? null, body };
  }
}

interface EventRow {
  readonly id: string;
  readonly tenant: string;
  readonly type: string;
  readonly subject: string;
  readonly version: number;
  readonly occurredAt: string;
  readonly traceparent: string | null;
  readonly body: string;
}

/** In the order of the statement's parameters. */
const EVENT_COLUMNS = [
  'id',
  'tenant',
  'type',
  'subject',
  'version',
  'occurredAt',
  'traceparent',
  'body',
] as const satisfies readonly (keyof EventRow)[];
