/** What every change carries that a resumable live field tells of, and the field itself. */
import { type ClassType, createUnionType, Directive, Field, Int, ObjectType } from 'type-graphql';
import { type Actor, type DomainEvent, readBody } from '../events/event.js';
import { Rights, SIGNED_IN } from '../graphql/rights.js';
import { CaughtUp, CursorScalar, ResyncRequired } from './types.js';

/** The graph's `Actor`, the same in every domain. */
@Directive('@shareable')
@Rights(SIGNED_IN)
@ObjectType('Actor', { description: 'Who caused a change.' })
export class ActorType {
  @Field(() => String, { description: 'user, agent, service, device or site.' })
  kind!: Actor['kind'];

  @Field(() => String, { description: 'Their id.' })
  id!: string;
}

/**
 * What a domain's change type extends; the graph shows the fields there, under the rule of that type, and never this class.
 * {@link changeFacts} fills them.
 */
@ObjectType()
export abstract class LiveChange {
  @Field(() => CursorScalar, { description: 'Resume behind this change.' })
  cursor!: string;

  @Field(() => Int, {
    description: 'The version that this change made; the next change of the same thing makes the next one.',
  })
  version!: number;

  @Field(() => Date, { description: 'When it happened.' })
  occurredAt!: Date;

  @Field(() => ActorType, { description: 'Who caused it.' })
  actor!: ActorType;
}

/** The fields of {@link LiveChange}. @throws PoisonMessageError when the body is not an event's. */
export function changeFacts(event: DomainEvent, cursor: string): LiveChange {
  const { time, actor } = readBody(event);
  return { cursor, version: event.version, occurredAt: new Date(time), actor };
}

/** The GraphQL union of a live field's items: the change, `CaughtUp`, `ResyncRequired`. */
export function liveItemUnion<T extends LiveChange>(name: string, description: string, change: ClassType<T>) {
  return createUnionType({
    name,
    description,
    types: () => [change, CaughtUp, ResyncRequired] as const,
    resolveType: (item) =>
      item instanceof CaughtUp ? CaughtUp : item instanceof ResyncRequired ? ResyncRequired : change,
  });
}
