/** Writing a domain event: in the transaction of the change it tells of, after the entity's row. */

import type { EntityManager } from '@mikro-orm/postgresql';
import canonicalize from 'canonicalize';
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
  async record<T extends keyof S & string>(em: EntityManager, event: NewEvent<S, T>): Promise<void> {
    const schema = this.schemas[event.type];
    if (!schema) throw new RangeError(`${this.domain} has no event type ${event.type}`);
    await em.flush();
    const id = newId();
    const traceparent = currentTraceparent();
    const body = canonicalize({
      specversion: '1.0',
      id,
      source: `aurora://${this.site}/${this.domain}`,
      type: event.type,
      subject: event.subject,
      time: event.occurredAt.toISOString(),
      datacontenttype: 'application/json',
      ...dataSchemaOf(event.type, schema),
      tenant: event.tenant,
      actor: event.actor,
      version: event.version,
      ...(traceparent === undefined ? {} : { traceparent }),
      data: schema.parse(event.data),
    });
    await em.execute(
      `with written as (
         insert into ${this.domain}.event (id, tenant, type, subject, version, occurred_at, traceparent, body)
         values (?, ?, ?, ?, ?, ?, ?, convert_to(?, 'UTF8')) returning seq, tenant
       ), pending as (
         insert into ${this.domain}.event_pending (seq, tenant) select seq, tenant from written
       ) select pg_notify('${eventChannel(this.domain)}', '') from written`,
      [id, event.tenant, event.type, event.subject, event.version, event.occurredAt, traceparent ?? null, body],
    );
  }
}
