import { connectionType, Rights } from '@aurorasoc/kit/graphql';
import { LiveChange, liveItemUnion } from '@aurorasoc/kit/live';
import { createUnionType, Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { SourceKind, Tier, Trust } from '../events.js';

export enum MemoryTierEnum {
  WORKING = 'WORKING',
  EPISODIC = 'EPISODIC',
  SEMANTIC = 'SEMANTIC',
}
registerEnumType(MemoryTierEnum, {
  name: 'MemoryTier',
  description: 'What kind of thing is remembered.',
  valuesConfig: {
    WORKING: { description: 'A note of work that is going on.' },
    EPISODIC: { description: 'What happened, such as an investigation and its verdict.' },
    SEMANTIC: { description: 'What holds in general: notes, runbooks, what is known of techniques.' },
  },
});

export enum MemorySourceKindEnum {
  AUTHOR = 'AUTHOR',
  INVESTIGATION = 'INVESTIGATION',
  ALERT = 'ALERT',
  DOCUMENT = 'DOCUMENT',
}
registerEnumType(MemorySourceKindEnum, {
  name: 'MemorySourceKind',
  description: 'What kind of thing an entry comes from.',
  valuesConfig: {
    AUTHOR: { description: 'Nothing but what its author knew; the id is that of the author.' },
    INVESTIGATION: { description: 'An investigation, by its id.' },
    ALERT: { description: 'An alert, by its id.' },
    DOCUMENT: { description: 'A text elsewhere, by its name or address.' },
  },
});

export enum MemoryTrustEnum {
  PERSON = 'PERSON',
  SYSTEM = 'SYSTEM',
  MACHINE = 'MACHINE',
}
registerEnumType(MemoryTrustEnum, {
  name: 'MemoryTrust',
  description: 'Who stands behind an entry. It follows from who wrote it and cannot be chosen.',
  valuesConfig: {
    PERSON: { description: 'A person wrote it.' },
    SYSTEM: { description: 'A service or another program brought it.' },
    MACHINE: { description: 'An agent concluded it; no person has confirmed it.' },
  },
});

@Rights('memory:read')
@ObjectType('MemorySource', { description: 'Where an entry comes from.' })
export class MemorySourceType {
  @Field(() => MemorySourceKindEnum, { description: 'What it is.' })
  kind!: SourceKind;

  @Field(() => String, { description: 'Which one.' })
  id!: string;
}

@Directive('@key(fields: "id")')
@Rights('memory:read')
@ObjectType('MemoryEntry', {
  description:
    'Something that is remembered. Its text does not change; it is recalled until it is quarantined or forgotten.',
})
export class MemoryEntryType {
  @Field(() => ID, { description: 'UUIDv7.' })
  id!: string;

  @Field(() => Int, { description: 'Grows by one with each of its events.' })
  version!: number;

  @Field(() => MemoryTierEnum, { description: 'What kind of thing it is.' })
  tier!: Tier;

  @Field(() => String, { description: 'In a few words. May hold hostile text: show it escaped.' })
  title!: string;

  @Field(() => String, { description: 'All of it. May hold hostile text: show it escaped.' })
  text!: string;

  @Field(() => ID, { nullable: true, description: 'The alert that it is about.' })
  alertId!: string | null;

  @Field(() => MemoryTrustEnum, { description: 'Who stands behind it.' })
  trust!: Trust;

  @Field(() => [String], { description: 'Words to find it by, such as ATT&CK technique ids.' })
  tags!: string[];

  @Field(() => Date, { description: 'When it was remembered.' })
  createdAt!: Date;

  @Field(() => Boolean, { description: 'Whether it is kept from being recalled.' })
  isQuarantined!: boolean;

  @Field(() => String, { nullable: true, description: 'Why it is in quarantine.' })
  quarantineReason!: string | null;

  @Field(() => String, { description: 'What made its vector; those of different embedders are not compared.' })
  embedder!: string;
}

export const MemoryEntryConnection = connectionType(MemoryEntryType, 'MemoryEntry', 'memory:read');

@InputType({ description: 'Which entries; all that is given must hold.' })
export class MemoryEntryFilterInput {
  @Field(() => [MemoryTierEnum], { nullable: true, description: 'Of one of these tiers.' })
  tiers?: Tier[] | null;

  @Field(() => MemorySourceKindEnum, { nullable: true, description: 'From a source of this kind.' })
  sourceKind?: SourceKind | null;

  @Field(() => String, { nullable: true, description: 'From the source of this id.' })
  sourceId?: string | null;

  @Field(() => MemoryTrustEnum, { nullable: true, description: 'With this trust.' })
  trust?: Trust | null;

  @Field(() => String, { nullable: true, description: 'Having this tag.' })
  tag?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Only those in quarantine, or only the others.' })
  isQuarantined?: boolean | null;
}

@InputType({ description: 'Where an entry comes from.' })
export class MemorySourceInput {
  @Field(() => MemorySourceKindEnum, { description: 'What it is; AUTHOR is what is taken without a source.' })
  kind!: SourceKind;

  @Field(() => String, { description: 'Which one: an id, or at most 500 characters for a document.' })
  id!: string;
}

@InputType({ description: 'What to remember.' })
export class RememberInput {
  @Field(() => MemoryTierEnum, { description: 'What kind of thing it is.' })
  tier!: Tier;

  @Field(() => String, { description: 'In a few words; at most 300 characters.' })
  title!: string;

  @Field(() => String, { description: 'All of it; at most 16,000 characters.' })
  text!: string;

  @Field(() => MemorySourceInput, { nullable: true, description: 'Where it comes from. Left out: from you.' })
  source?: MemorySourceInput | null;

  @Field(() => [String], { nullable: true, description: 'Words to find it by: at most 20 of 64 characters.' })
  tags?: string[] | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Names the entry among those that you wrote, at most 200 characters: asked for again in the same words, after a lost answer for example, the first entry is returned; in others, the code is CONFLICT. It is free again once the entry is forgotten.',
  })
  key?: string | null;
}

@Rights('memory:read')
@ObjectType({ description: 'There is no entry with this id.' })
export class MemoryEntryNotFound {
  @Field(() => ID, { description: 'The id that was asked for.' })
  id!: string;
}

@Rights('memory:read')
@ObjectType({ description: 'The entry is gone.' })
export class MemoryForgotten {
  @Field(() => ID, { description: 'The id that it had.' })
  id!: string;
}

export const ForgetResult = createUnionType({
  name: 'ForgetResult',
  description: 'Outcome of `forget`.',
  types: () => [MemoryForgotten, MemoryEntryNotFound] as const,
  resolveType: (value) => (value instanceof MemoryForgotten ? MemoryForgotten : MemoryEntryNotFound),
});

export const QuarantineMemoryResult = createUnionType({
  name: 'QuarantineMemoryResult',
  description: 'Outcome of `quarantineMemory`.',
  types: () => [MemoryEntryType, MemoryEntryNotFound] as const,
  resolveType: (value) => (value instanceof MemoryEntryNotFound ? MemoryEntryNotFound : MemoryEntryType),
});

export enum MemoryChangeKind {
  REMEMBERED = 'REMEMBERED',
  QUARANTINED = 'QUARANTINED',
  FORGOTTEN = 'FORGOTTEN',
}
registerEnumType(MemoryChangeKind, {
  name: 'MemoryChangeKind',
  description: 'What happened to an entry.',
  valuesConfig: {
    REMEMBERED: { description: 'It was added.' },
    QUARANTINED: { description: 'It is not recalled any more.' },
    FORGOTTEN: { description: 'It is gone.' },
  },
});

@Rights('memory:read')
@ObjectType({ description: 'One event of one entry.' })
export class MemoryChange extends LiveChange {
  @Field(() => MemoryChangeKind, { description: 'What happened.' })
  kind!: keyof typeof MemoryChangeKind;

  @Field(() => ID, { description: 'Id of the entry.' })
  entryId!: string;
}

export const MemoryChangeItem = liveItemUnion('MemoryChangeItem', 'An item of `memoryChanged`.', MemoryChange);
