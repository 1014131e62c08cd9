import type { Problem } from '@aurorasoc/cacao';
import type { Actor } from '@aurorasoc/kit/events';
import { connectionType, Rights, SIGNED_IN } from '@aurorasoc/kit/graphql';
import { ActorType, LiveChange, liveItemUnion } from '@aurorasoc/kit/live';
import { createUnionType, Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Playbook } from './playbook.entity.js';
import { MAX_VERSIONS } from './playbook-versions.js';

export enum PlaybookProblemSeverity {
  ERROR = 'ERROR',
  WARNING = 'WARNING',
}
registerEnumType(PlaybookProblemSeverity, {
  name: 'PlaybookProblemSeverity',
  description: 'How much a problem of a playbook weighs.',
  valuesConfig: {
    ERROR: { description: 'No run of it can be trusted; it is not saved.' },
    WARNING: { description: 'A departure from CACAO, or likely a mistake, with which a run still means one thing.' },
  },
});

@Rights('playbooks:read')
@ObjectType('PlaybookProblem', { description: 'What is wrong with a document, and where.' })
export class PlaybookProblemType {
  @Field(() => PlaybookProblemSeverity, { description: 'How much it weighs.' })
  severity!: Problem['severity'];

  @Field(() => String, { description: 'What it is, for programs; such as `DANGLING_STEP`.' })
  code!: string;

  @Field(() => String, {
    description:
      'JSON Pointer (RFC 6901) into the document; empty for the whole. What is missing is named as if it were there.',
  })
  pointer!: string;

  @Field(() => String, { description: 'What it is, for people.' })
  message!: string;
}

@Rights('playbooks:read')
@ObjectType('PlaybookVersion', { description: 'A document as it was saved; it never changes.' })
export class PlaybookVersionType {
  @Field(() => ID, { description: 'Id of the playbook.' })
  playbookId!: string;

  @Field(() => Int, { description: 'The version of the playbook that saved it.' })
  version!: number;

  @Field(() => String, { description: 'SHA-256 of the canonical bytes (RFC 8785) of the document, hexadecimal.' })
  sha256!: string;

  @Field(() => Int, { description: 'Steps of its workflow.' })
  steps!: number;

  @Field(() => Boolean, { description: 'Its author says that it is not valid any more; it cannot be activated.' })
  isRevoked!: boolean;

  @Field(() => [PlaybookProblemType], { description: 'What was found when it was saved: warnings alone.' })
  warnings!: Problem[];

  @Field(() => Date, { description: 'When it was saved.' })
  savedAt!: Date;

  @Field(() => ActorType, { description: 'Who saved it.' })
  savedBy!: Actor;
}

@Directive('@key(fields: "id")')
@Rights('playbooks:read')
@ObjectType('Playbook', {
  description: 'A CACAO 2.0 playbook: the documents that were saved under one CACAO id, and which of them is in force.',
})
export class PlaybookType {
  @Field(() => ID, { description: 'Id of the playbook.' })
  id!: string;

  @Field(() => Int, { description: 'Grows by one with each change: a saved document or an activation.' })
  version!: number;

  @Field(() => String, { description: "CACAO's `id` of the document, the UUID in lower case." })
  documentId!: string;

  @Field(() => String, { description: 'Name, by the document that was saved last.' })
  name!: string;

  @Field(() => String, { description: 'Description, by the document that was saved last; empty when it has none.' })
  description!: string;

  @Field(() => Int, { description: 'The version that saved the document which is the latest.' })
  savedVersion!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'The version that saved the document which is in force; null until one is activated.',
  })
  activeVersion!: number | null;

  @Field(() => Date, { description: 'When its first document was saved.' })
  createdAt!: Date;

  @Field(() => Date, { description: 'When it changed last.' })
  updatedAt!: Date;
}

export const PlaybookConnection = connectionType(PlaybookType, 'Playbook', 'playbooks:read');

export const VERSIONS_DESCRIPTION = `Its saved documents, newest first; the latest ${MAX_VERSIONS}.`;

@InputType({ description: 'A document to save.' })
export class SavePlaybookInput {
  @Field(() => String, {
    description: 'CACAO 2.0 as JSON text, at most 1 MiB. Its `id` decides which playbook it is a version of.',
  })
  document!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'The version of the playbook that you saw, 0 for one that is not there yet. Null: whatever it is.',
  })
  expectedVersion?: number | null;
}

@Rights('playbooks:read')
@ObjectType({ description: 'The document has errors; nothing was saved.' })
export class PlaybookInvalid {
  @Field(() => [PlaybookProblemType], { description: 'Errors first, then warnings; at most 200.' })
  problems!: Problem[];
}

// `updateAlerts` of the alerts domain answers with it, too.
@Directive('@shareable')
@Rights(SIGNED_IN)
@ObjectType({ description: 'It changed since you saw it; nothing was written.' })
export class StaleVersion {
  @Field(() => ID, { description: 'Id of what changed.' })
  id!: string;

  @Field(() => Int, { description: 'Its version now.' })
  currentVersion!: number;
}

@Rights('playbooks:read')
@ObjectType({ description: 'There is no playbook with this id that you may see.' })
export class PlaybookNotFound {
  @Field(() => ID, { description: 'The id that was asked for.' })
  id!: string;
}

@Rights('playbooks:read')
@ObjectType({ description: 'This version saved no document: there is none such, or it was an activation.' })
export class PlaybookVersionNotFound {
  @Field(() => ID, { description: 'Id of the playbook.' })
  id!: string;

  @Field(() => Int, { description: 'The version that saved the latest document.' })
  savedVersion!: number;
}

@Rights('playbooks:read')
@ObjectType({
  description: 'The author revoked the document, or the playbook by its latest one; it cannot be put in force.',
})
export class PlaybookRevoked {
  @Field(() => ID, { description: 'Id of the playbook.' })
  id!: string;

  @Field(() => Int, { description: 'The version that was asked for.' })
  version!: number;
}

export const SavePlaybookResult = createUnionType({
  name: 'SavePlaybookResult',
  description: 'Outcome of `savePlaybook`.',
  types: () => [PlaybookType, PlaybookInvalid, StaleVersion] as const,
  resolveType: (value) =>
    value instanceof PlaybookInvalid ? PlaybookInvalid : value instanceof StaleVersion ? StaleVersion : PlaybookType,
});

export const ActivatePlaybookResult = createUnionType({
  name: 'ActivatePlaybookResult',
  description: 'Outcome of `activatePlaybook`.',
  types: () => [PlaybookType, PlaybookNotFound, PlaybookVersionNotFound, PlaybookRevoked] as const,
  resolveType: (value) => {
    if (value instanceof Playbook) return PlaybookType;
    if (value instanceof PlaybookNotFound) return PlaybookNotFound;
    return value instanceof PlaybookRevoked ? PlaybookRevoked : PlaybookVersionNotFound;
  },
});

@Rights('playbooks:read')
@ObjectType({ description: 'What is to be said of a document before it is saved.' })
export class PlaybookValidation {
  @Field(() => Boolean, { description: 'Whether it would be saved: it has no errors.' })
  isValid!: boolean;

  @Field(() => [PlaybookProblemType], { description: 'Errors first, then warnings; at most 200.' })
  problems!: Problem[];

  @Field(() => String, { nullable: true, description: "CACAO's `id` of the document; null when it has errors." })
  documentId!: string | null;

  @Field(() => String, { nullable: true, description: 'Name of the playbook; null when it has errors.' })
  name!: string | null;

  @Field(() => Int, { nullable: true, description: 'Steps of its workflow; null when it has errors.' })
  steps!: number | null;
}

export enum PlaybookChangeKind {
  SAVED = 'SAVED',
  ACTIVATED = 'ACTIVATED',
}
registerEnumType(PlaybookChangeKind, {
  name: 'PlaybookChangeKind',
  description: 'What happened to a playbook.',
  valuesConfig: {
    SAVED: { description: 'A document was saved.' },
    ACTIVATED: { description: 'One of its documents was put in force.' },
  },
});

@Rights('playbooks:read')
@ObjectType({ description: 'One change of one playbook.' })
export class PlaybookChange extends LiveChange {
  @Field(() => PlaybookChangeKind, { description: 'What happened.' })
  kind!: keyof typeof PlaybookChangeKind;

  @Field(() => ID, { description: 'Id of the playbook.' })
  playbookId!: string;

  @Field(() => Int, { description: 'The version that saved the latest document, after the change.' })
  savedVersion!: number;

  @Field(() => Int, { nullable: true, description: 'The version that is in force, after the change.' })
  activeVersion!: number | null;
}

export const PlaybookChangeItem = liveItemUnion('PlaybookChangeItem', 'An item of `playbookChanged`.', PlaybookChange);
