/**
 * Domain events: CloudEvents 1.0 in JSON, with the extension attributes `tenant`, `actor`, `version` (of the entity) and
 * `traceparent` (CloudEvents distributed tracing extension).
 */
import { z } from 'zod';
import { NewerSchemaError, PoisonMessageError } from '../errors.js';

export const actorSchema = z.object({ kind: z.enum(['user', 'agent', 'service', 'device', 'site']), id: z.string() });
/** Who caused a change. */
export type Actor = z.output<typeof actorSchema>;

/**
 * The event types of one domain: what `data` looks like per type. A field may be added at any time, since readers skip what
 * they do not know. For any other change the schema says `.meta({ major: 2 })`, and is a union that turns the former form
 * into the new one: the event table goes on to hold the former.
 */
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
  /** The span that caused the change, where it is not the one that writes it. @default the active span */
  readonly traceparent?: string | undefined;
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
  /** Of `data`'s form; 1 where `dataschema` is absent. */
  readonly major: number;
}

/** CloudEvents 1.0 `dataschema`: a URI that changes with each incompatible change of `data`. */
const DATA_SCHEMA = /^urn:aurorasoc:event:[a-z_.]+:([1-9]\d{0,8})$/;

const bodySchema = z
  .object({
    time: z.iso.datetime(),
    actor: actorSchema,
    data: z.unknown(),
    dataschema: z.string().regex(DATA_SCHEMA).optional(),
  })
  .transform(({ dataschema, ...body }) => ({ ...body, major: Number(DATA_SCHEMA.exec(dataschema ?? '')?.[1] ?? 1) }));

/** The attribute of an event whose data has the schema's form; none for the first one. */
export function dataSchemaOf(type: string, schema: z.ZodType): { readonly dataschema?: string } {
  const major = majorOf(schema);
  return major === 1 ? {} : { dataschema: `urn:aurorasoc:event:${type}:${major}` };
}

/** Made once: it is asked of every event that is written or read. */
const majorSchema = z.int().positive().default(1);

function majorOf(schema: z.ZodType): number {
  return majorSchema.parse(schema.meta()?.major);
}

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
 * @throws PoisonMessageError when the data does not fit; NewerSchemaError when they have a form that came after the schema's.
 */
export function readData<S extends z.ZodType>(
  event: Pick<DomainEvent, 'body' | 'id' | 'type'>,
  schema: S,
): z.output<S> {
  const { data, major } = readBody(event);
  const known = majorOf(schema);
  if (major > known)
    throw new NewerSchemaError(
      `Event ${event.id} (${event.type}) has data of form ${major}, of which this release knows ${known}: upgrade this process`,
    );
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new PoisonMessageError(
    `The data of event ${event.id} (${event.type}) does not fit: ${z.prettifyError(parsed.error)}`,
  );
}
