import { connectionType, Rights } from '@aurorasoc/kit/graphql';
import { LiveChange, liveItemUnion } from '@aurorasoc/kit/live';
import { type DeadLetter, SHOWN_CHARACTERS } from '@aurorasoc/kit/streams';
import { createUnionType, Field, ID, Int, ObjectType } from 'type-graphql';

@Rights('site:read')
@ObjectType('DeadLetterField', { description: 'A field of an entry that could not be handled.' })
export class DeadLetterFieldType {
  @Field(() => String, { description: 'Its name.' })
  name!: string;

  @Field(() => String, { description: `The first ${SHOWN_CHARACTERS} characters of its value.` })
  value!: string;

  @Field(() => Int, { description: 'Length of the whole value, in bytes.' })
  length!: number;
}

@Rights('site:read')
@ObjectType('DeadLetter', {
  description: 'An entry of a stream that a consumer gave up, kept for a person to look at.',
})
export class DeadLetterType {
  @Field(() => ID, { description: "Its id in the stream's dead letters; later ones are greater." })
  id!: string;

  @Field(() => String, { description: 'The stream that the entry came from.' })
  stream!: string;

  @Field(() => String, { description: 'The consumer group that gave it up; others have handled it.' })
  group!: string;

  @Field(() => String, { description: 'Id of the message; the same at each try.' })
  messageId!: string;

  @Field(() => String, { description: 'Why it was given up, for programs.' })
  code!: string;

  @Field(() => String, { description: 'Why it was given up, in the words of the error.' })
  reason!: string;

  @Field(() => Int, { description: 'How often it was tried.' })
  attempts!: number;

  @Field(() => Date, { description: 'When it was given up.' })
  buriedAt!: Date;

  @Field(() => String, { description: "SHA-256 of the entry's fields, hexadecimal." })
  sha256!: string;

  // What is in an entry is its tenant's: who runs the site may see that it lies there, and why.
  @Rights('events:read')
  @Field(() => [DeadLetterFieldType], { description: 'The entry as it was.' })
  fields!: DeadLetterFieldType[];
}

export const DeadLetterConnection = connectionType(DeadLetterType, 'DeadLetter', 'site:read');

@Rights('site:operate')
@ObjectType({ description: 'There is no such letter; replayed by somebody else, perhaps.' })
export class DeadLetterNotFound {
  @Field(() => String, { description: 'The stream that was asked for.' })
  stream!: string;

  @Field(() => ID, { description: 'The id that was asked for.' })
  id!: string;
}

export const ReplayDeadLetterResult = createUnionType({
  name: 'ReplayDeadLetterResult',
  description: 'Outcome of `replayDeadLetter`.',
  types: () => [DeadLetterType, DeadLetterNotFound] as const,
  resolveType: (value) => ('sha256' in value ? DeadLetterType : DeadLetterNotFound),
});

@Rights('site:read')
@ObjectType({ description: 'Somebody had an entry handled once more.' })
export class DeadLetterReplayed extends LiveChange {
  @Field(() => String, { description: 'The stream that the entry came from.' })
  stream!: string;

  @Field(() => String, { description: 'The consumer group that got it again.' })
  group!: string;

  @Field(() => ID, { description: "The letter's id, which is no more." })
  letterId!: string;

  @Field(() => String, { description: 'Id of the message.' })
  messageId!: string;

  @Field(() => String, { description: "SHA-256 of the entry's fields, hexadecimal." })
  sha256!: string;
}

export const DeadLetterReplayedItem = liveItemUnion(
  'DeadLetterReplayedItem',
  'An item of `deadLetterReplayed`.',
  DeadLetterReplayed,
);

export function toDeadLetterType(letter: DeadLetter): DeadLetterType {
  const { id, stream, group, messageId, code, reason, attempts, buriedAt, sha256 } = letter;
  const fields = [...letter.fields].map(([name, { value, bytes }]) => ({ name, value, length: bytes }));
  return { id, stream, group, messageId, code, reason, attempts, buriedAt, sha256, fields };
}
