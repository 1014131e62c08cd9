import { Rights } from '@aurorasoc/kit/graphql';
import { Directive, Field, ID, ObjectType } from 'type-graphql';

/** The part of the alerts domain's entity that this domain adds to. */
@Directive('@key(fields: "id")')
@Rights('agents:read')
@ObjectType('Alert', {
  description: 'What a person looks into: all signals of one rule with one grouping key while it is open.',
})
export class AlertStub {
  @Field(() => ID, { description: 'UUIDv7.' })
  id!: string;
}
