/**
 * Domain events: CloudEvents 1.0 in JSON, with the extension attributes `tenant`, `actor`, `version` (of the entity) and
 * `traceparent` (CloudEvents distributed tracing extension).
 */
import { z } from 'zod';
import { PoisonMessageError } from '../errors.js';

export const actorSchema = z.object({ kind: z.enum(['user', 'agent', 'service', 'device', 'site']), id: z.string() });
/** Who caused a change. */
export type Actor = z.output<typeof actorSchema>;

/** The event types of one domain: what `data` looks like per type. */
export type EventSchemas = Readonly<Record<string, z.ZodType>>;

export interface NewEvent<S extends EventSchemas, T extends keyof S & string> {
  readonly type: T;
  /** Id of the entity that changed. */
  readonly subject: string;
  /** The entity's version after the change; one event per version. */
  readonly version: number;
  readonly tenant: string;
  readonly actor: Actor;
  readonly data: z.input<S[T]>;
  readonly occurredAt: Date;
}

/** A domain event as consumers and live fields meet it. */
export interface DomainEvent {
  /** Place in the domain's dense order, from 1. */
  readonly position: number;
  /** Which life of the event table the position belongs to. */
  readonly epoch: string;
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly version: number;
  readonly tenant: string;
  readonly traceparent: string | undefined;
  /** The canonical bytes that were stored, hashed and published. */
  readonly body: string;
}

export interface EventBody {
  readonly time: string;
  readonly actor: Actor;
  readonly data: unknown;
}

const bodySchema = z.object({ time: z.iso.datetime(), actor: actorSchema, data: z.unknown() });

/** Time, actor and data of an event. @throws PoisonMessageError when the body is not an event's. */
export function readBody(event: Pick<DomainEvent, 'body' | 'id'>): EventBody {
  try {
    return bodySchema.parse(JSON.parse(event.body)) as EventBody;
  } catch (cause) {
    throw new PoisonMessageError(`Event ${event.id} has no readable body`, { cause });
  }
}

/**
 * The event's data by the consumer's own narrow schema: it names only what the consumer uses, and a contract test holds it
 * to the producer's.
 *
 * @throws PoisonMessageError when the data does not fit.
 */
export function readData<S extends z.ZodType>(
  event: Pick<DomainEvent, 'body' | 'id' | 'type'>,
  schema: S,
): z.output<S> {
  const parsed = schema.safeParse(readBody(event).data);
  if (parsed.success) return parsed.data;
  throw new PoisonMessageError(
    `The data of event ${event.id} (${event.type}) does not fit: ${z.prettifyError(parsed.error)}`,
  );
}
