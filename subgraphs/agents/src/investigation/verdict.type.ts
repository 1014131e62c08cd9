import { Rights } from '@aurorasoc/kit/graphql';
import { GraphQLJSON } from 'graphql-scalars';
import { Field, Float, ID, ObjectType, registerEnumType } from 'type-graphql';
import type { Disposition, Severity } from '../a2a/contract.js';

export enum SeverityEnum {
  INFORMATIONAL = 'INFORMATIONAL',
  LOW = 'LOW',
  MEDIUM = 'MEDIUM',
  HIGH = 'HIGH',
  CRITICAL = 'CRITICAL',
}
registerEnumType(SeverityEnum, { name: 'Severity', description: 'How urgent something is.' });

export enum DispositionEnum {
  TRUE_POSITIVE = 'TRUE_POSITIVE',
  BENIGN_POSITIVE = 'BENIGN_POSITIVE',
  FALSE_POSITIVE = 'FALSE_POSITIVE',
  UNDETERMINED = 'UNDETERMINED',
}
registerEnumType(DispositionEnum, {
  name: 'Disposition',
  description: 'What an alert turned out to be.',
  valuesConfig: {
    TRUE_POSITIVE: { description: 'An attack, or a part of one.' },
    BENIGN_POSITIVE: { description: 'What the rule describes did happen, and is legitimate here.' },
    FALSE_POSITIVE: { description: 'The rule matched something that it does not describe.' },
    UNDETERMINED: { description: 'The evidence does not decide; a person has to.' },
  },
});

export enum InvolvedEntityKind {
  HOST = 'HOST',
  USER = 'USER',
  IP = 'IP',
  FILE = 'FILE',
  PROCESS = 'PROCESS',
}
registerEnumType(InvolvedEntityKind, { name: 'InvolvedEntityKind', description: 'What kind of thing is involved.' });

@Rights('agents:read')
@ObjectType('Citation', { description: 'A value in a stored event, checked by code.' })
export class CitationType {
  @Field(() => ID, { description: 'Id of the event.' })
  eventId!: string;

  @Field(() => String, { description: "JSON Pointer (RFC 6901) into the event's document." })
  pointer!: string;

  @Field(() => GraphQLJSON, { description: 'The value that stands there. Hostile text: show it escaped.' })
  value!: unknown;
}

@Rights('agents:read')
@ObjectType('Claim', { description: 'One statement of a verdict, with the values that it rests on.' })
export class ClaimType {
  @Field(() => String, { description: 'The statement.' })
  text!: string;

  @Field(() => [CitationType], { description: 'At least one.' })
  citations!: CitationType[];
}

@Rights('agents:read')
@ObjectType('InvolvedEntity', { description: 'A host, user, address, file or process that plays a part.' })
export class InvolvedEntityType {
  @Field(() => InvolvedEntityKind, { description: 'Its kind.' })
  type!: keyof typeof InvolvedEntityKind;

  @Field(() => String, { description: 'Its name, address or path, as the events have it.' })
  value!: string;
}

@Rights('agents:read')
@ObjectType('TimelineEntry', { description: 'Something that happened, in the order of time.' })
export class TimelineEntryType {
  @Field(() => Date, { description: 'When, by the clock of the source.' })
  at!: Date;

  @Field(() => ID, { description: 'The event that tells it.' })
  eventId!: string;

  @Field(() => String, { description: 'What happened. Names in it come from events and are escaped.' })
  text!: string;
}

@Rights('agents:read')
@ObjectType('Verdict', {
  description: 'The end of an investigation: every claim cites events, and each citation was checked.',
})
export class VerdictType {
  @Field(() => DispositionEnum, { description: 'What the alert turned out to be.' })
  disposition!: Disposition;

  @Field(() => SeverityEnum, {
    description: 'How urgent it is; never lower than CRITICAL for an alert that is critical.',
  })
  severity!: Severity;

  @Field(() => Float, { description: '0 to 1, by the documented scoring; not a probability.' })
  confidence!: number;

  @Field(() => String, { description: 'The verdict in a few sentences.' })
  summary!: string;

  @Field(() => [ClaimType], { description: 'What was found, for and against.' })
  claims!: ClaimType[];

  @Field(() => [String], { description: 'MITRE ATT&CK technique ids.' })
  techniques!: string[];

  @Field(() => [InvolvedEntityType], { description: 'Who and what is involved.' })
  entities!: InvolvedEntityType[];

  @Field(() => [TimelineEntryType], { description: 'What happened, oldest first.' })
  timeline!: TimelineEntryType[];

  @Field(() => [String], { description: 'What a person should do now.' })
  nextSteps!: string[];

  @Field(() => [String], { description: 'What could not be checked, and why.' })
  couldNotCheck!: string[];
}
