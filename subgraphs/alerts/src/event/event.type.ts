import { connectionType, Rights } from '@aurorasoc/kit/graphql';
import { GraphQLJSONObject } from 'graphql-scalars';
import { Directive, Field, ID, InputType, ObjectType } from 'type-graphql';

@Directive('@key(fields: "id")')
@Rights('events:read')
@ObjectType('Event', { description: 'One record as a source sent it, normalised to the Elastic Common Schema (ECS).' })
export class EventType {
  @Field(() => ID, { description: 'UUIDv7 given at acceptance.' })
  id!: string;

  @Field(() => Date, { description: 'When it happened, by the clock of its source (ECS `@timestamp`).' })
  timestamp!: Date;

  @Field(() => Date, { description: 'When it was accepted here (ECS `event.ingested`).' })
  ingestedAt!: Date;

  @Field(() => String, {
    nullable: true,
    description: 'Code that the source gives this kind of event (ECS `event.code`).',
  })
  code!: string | null;

  @Field(() => String, { nullable: true, description: 'Name of the log it comes from (ECS `event.dataset`).' })
  dataset!: string | null;

  @Field(() => String, { nullable: true, description: 'Host that it happened on (ECS `host.name`).' })
  hostName!: string | null;

  @Field(() => String, { nullable: true, description: 'User that it concerns (ECS `user.name`).' })
  userName!: string | null;

  @Field(() => Boolean, { description: 'Whether the line could not be parsed and is kept as it came.' })
  isRaw!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'The line as it was received (ECS `event.original`). Hostile text: show it escaped.',
  })
  original!: string | null;

  @Field(() => GraphQLJSONObject, { description: 'The whole ECS document.' })
  document!: Record<string, unknown>;
}

export const EventConnection = connectionType(EventType, 'Event', 'events:read');

@InputType({ description: 'A span of time; `from` is inside, `to` is not.' })
export class TimeRangeInput {
  @Field(() => Date, { description: 'First moment.' })
  from!: Date;

  @Field(() => Date, { description: 'First moment behind.' })
  to!: Date;
}
