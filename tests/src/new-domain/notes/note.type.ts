import { Rights } from '@aurorasoc/kit/graphql';
import { LiveChange, liveItemUnion } from '@aurorasoc/kit/live';
import { Directive, Field, ID, ObjectType } from 'type-graphql';

@Directive('@key(fields: "id")')
@Rights('memory:read')
@ObjectType('Note', { description: 'What somebody noted.' })
export class NoteType {
  @Field(() => ID, { description: 'Id of the note.' })
  id!: string;

  @Field(() => String, { description: 'What it says.' })
  text!: string;
}

@Rights('memory:read')
@ObjectType({ description: 'A note that was added.' })
export class NoteChange extends LiveChange {
  @Field(() => NoteType, { description: 'The note.' })
  note!: NoteType;
}

export const NoteChangeItem = liveItemUnion('NoteChangeItem', 'An item of `noteChanged`.', NoteChange);
