import { Rights } from '@aurorasoc/kit/graphql';
import { Directive, Field, ID, ObjectType } from 'type-graphql';

/** The part of the agents domain's entity that this domain adds to. */
@Directive('@key(fields: "id")')
@Rights('memory:read')
@ObjectType('Investigation', { description: 'One run of agents over an alert, from the request to the verdict.' })
export class InvestigationStub {
  @Field(() => ID, { description: 'UUIDv7.' })
  id!: string;
}
