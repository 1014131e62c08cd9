import { Rights } from '@aurorasoc/kit/graphql';
import { Field, Float, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { MemoryEntryType } from '../entry/entry.type.js';
import type { RecallMatch } from './recall.js';

export enum RecallMatchEnum {
  VECTOR = 'VECTOR',
  TEXT = 'TEXT',
}
registerEnumType(RecallMatchEnum, {
  name: 'RecallMatch',
  description: 'By what an entry was found.',
  valuesConfig: {
    VECTOR: { description: 'Its vector is like that of the query.' },
    TEXT: { description: 'It has words of the query, in whichever form.' },
  },
});

export enum VectorIndexKind {
  PGVECTOR = 'PGVECTOR',
  EXACT = 'EXACT',
  OFF = 'OFF',
}
registerEnumType(VectorIndexKind, {
  name: 'VectorIndexKind',
  description: 'How vectors are searched.',
  valuesConfig: {
    PGVECTOR: { description: 'By the approximate index of pgvector (HNSW).' },
    EXACT: { description: 'By comparing each of them, up to a limit.' },
    OFF: { description: 'Not at all; entries are found by words alone.' },
  },
});

@Rights('memory:read')
@ObjectType({ description: 'An entry that was recalled.' })
export class RecalledMemory {
  @Field(() => MemoryEntryType, { description: 'The entry; never one in quarantine.' })
  entry!: MemoryEntryType;

  @Field(() => Float, {
    description: 'Reciprocal rank fusion of both searches; orders the hits of one recall, and says nothing beyond it.',
  })
  score!: number;

  @Field(() => Float, { nullable: true, description: 'Cosine of the vectors, 0 to 1, where they are alike.' })
  similarity!: number | null;

  @Field(() => [RecallMatchEnum], { description: 'By what it was found.' })
  matchedBy!: readonly RecallMatch[];
}

@Rights('memory:read')
@ObjectType({ description: 'What was recalled, and how it was looked for.' })
export class RecallResult {
  @Field(() => [RecalledMemory], { description: 'Best first.' })
  hits!: readonly RecalledMemory[];

  @Field(() => VectorIndexKind, { description: 'How vectors were searched.' })
  vectorIndex!: keyof typeof VectorIndexKind;

  @Field(() => Boolean, { description: 'Whether less was searched than was asked for; `note` says what.' })
  isDegraded!: boolean;

  @Field(() => String, { nullable: true, description: 'What was not searched, and why.' })
  note!: string | null;
}

@Rights('memory:read')
@ObjectType({ description: 'How entries are found.' })
export class MemoryStatus {
  @Field(() => VectorIndexKind, { description: 'How vectors are searched now.' })
  vectorIndex!: keyof typeof VectorIndexKind;

  @Field(() => String, { description: 'What the installation asks for: auto, pgvector, exact or off.' })
  setting!: string;

  @Field(() => String, { description: 'Why it is so.' })
  reason!: string;

  @Field(() => Boolean, { description: 'Whether less is searched than is asked for.' })
  isDegraded!: boolean;

  @Field(() => Int, { nullable: true, description: 'Most entries whose vectors are compared, the newest; null: all.' })
  entryLimit!: number | null;

  @Field(() => Int, { description: 'Entries of yours that can be recalled.' })
  entryCount!: number;

  @Field(() => Int, { description: 'Entries of yours in quarantine.' })
  quarantinedCount!: number;

  @Field(() => String, {
    description:
      'What makes the vectors; `feature-hashing-256` is built in, goes by shared words, and is no language model.',
  })
  embedder!: string;

  @Field(() => Int, { description: 'Numbers in a vector.' })
  dimensions!: number;
}

// The alerts domain takes it, too.
@InputType({ description: 'A span of time; `from` is inside, `to` is not.' })
export class TimeRangeInput {
  @Field(() => Date, { description: 'First moment.' })
  from!: Date;

  @Field(() => Date, { description: 'First moment behind.' })
  to!: Date;
}
