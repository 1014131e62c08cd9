import { connectionType, Rights, SIGNED_IN } from '@aurorasoc/kit/graphql';
import { LiveChange, liveItemUnion } from '@aurorasoc/kit/live';
import { GraphQLJSONObject } from 'graphql-scalars';
import { createUnionType, Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum SeverityEnum {
  INFORMATIONAL = 'INFORMATIONAL',
  LOW = 'LOW',
  MEDIUM = 'MEDIUM',
  HIGH = 'HIGH',
  CRITICAL = 'CRITICAL',
}
registerEnumType(SeverityEnum, { name: 'Severity', description: 'How urgent something is.' });

export enum AlertStatusEnum {
  NEW = 'NEW',
  TRIAGED = 'TRIAGED',
  IN_PROGRESS = 'IN_PROGRESS',
  RESOLVED = 'RESOLVED',
  CLOSED = 'CLOSED',
}
registerEnumType(AlertStatusEnum, {
  name: 'AlertStatus',
  description: 'Where work on an alert stands. RESOLVED and CLOSED take no further matches.',
});

export enum EntityKind {
  HOST = 'HOST',
  USER = 'USER',
  IP = 'IP',
  FILE = 'FILE',
  PROCESS = 'PROCESS',
}
registerEnumType(EntityKind, { name: 'EntityKind', description: 'What kind of thing an entity is.' });

@Rights('alerts:read')
@ObjectType({ description: 'Something that an alert is about.' })
export class Entity {
  @Field(() => EntityKind, { description: 'Its kind.' })
  type!: keyof typeof EntityKind;

  @Field(() => String, { description: 'Its name, address or path, as the events have it.' })
  value!: string;
}

@Directive('@key(fields: "id")')
@Rights('alerts:read')
@ObjectType('Alert', {
  description: 'What a person looks into: all signals of one rule with one grouping key while it is open.',
})
export class AlertType {
  @Field(() => ID, { description: 'UUIDv7.' })
  id!: string;

  @Field(() => Int, { description: 'Grows by one with every change; give it back to change only what you saw.' })
  version!: number;

  @Field(() => String, { description: 'Title of the rule.' })
  title!: string;

  @Field(() => String, { description: 'What the rule says about itself.' })
  description!: string;

  @Field(() => SeverityEnum, { description: 'How urgent it is.' })
  severity!: keyof typeof SeverityEnum;

  @Field(() => AlertStatusEnum, { description: 'Where work on it stands.' })
  status!: keyof typeof AlertStatusEnum;

  @Field(() => String, { nullable: true, description: 'Who works on it.' })
  assignee!: string | null;

  @Field(() => ID, { description: 'Id of the Sigma rule that matched.' })
  ruleId!: string;

  @Field(() => [String], { description: 'MITRE ATT&CK technique ids, such as T1059.001.' })
  techniques!: string[];

  @Field(() => [String], { description: 'MITRE ATT&CK tactic ids, such as TA0002.' })
  tactics!: string[];

  @Field(() => [Entity], { description: 'Hosts, users and other things in the matching events; at most 50.' })
  entities!: Entity[];

  @Field(() => GraphQLJSONObject, { description: 'ECS fields and values that all matches share.' })
  groupingKey!: Record<string, string>;

  @Field(() => Int, { description: 'How many events matched.' })
  count!: number;

  @Field(() => Date, { description: 'When the earliest match happened.' })
  firstSeenAt!: Date;

  @Field(() => Date, { description: 'When the latest match happened.' })
  lastSeenAt!: Date;

  @Field(() => Date, { description: 'When the alert was opened.' })
  openedAt!: Date;

  @Field(() => Date, { description: 'When it changed last.' })
  updatedAt!: Date;

  @Field(() => String, { nullable: true, description: 'W3C trace context of the span that opened it.' })
  traceparent!: string | null;
}

export const AlertConnection = connectionType(AlertType, 'Alert', 'alerts:read');

export enum AlertOrderEnum {
  NEWEST = 'NEWEST',
  LAST_SEEN = 'LAST_SEEN',
}
registerEnumType(AlertOrderEnum, {
  name: 'AlertOrder',
  description: 'Order of a page: newest alert first, or latest match first.',
});

@InputType({ description: 'All of the given conditions hold; each list is an OR.' })
export class AlertFilterInput {
  @Field(() => [AlertStatusEnum], { nullable: true, description: 'One of these.' })
  status?: (keyof typeof AlertStatusEnum)[];

  @Field(() => [SeverityEnum], { nullable: true, description: 'One of these.' })
  severity?: (keyof typeof SeverityEnum)[];

  @Field(() => ID, { nullable: true, description: 'Matches of this rule.' })
  ruleId?: string;

  @Field(() => String, { nullable: true, description: 'Assigned to this person.' })
  assignee?: string;
}

@InputType({ description: 'What to change; what is left out stays.' })
export class UpdateAlertsInput {
  @Field(() => AlertStatusEnum, { nullable: true, description: 'New status.' })
  status?: keyof typeof AlertStatusEnum;

  @Field(() => SeverityEnum, { nullable: true, description: 'New severity.' })
  severity?: keyof typeof SeverityEnum;

  @Field(() => String, {
    nullable: true,
    description: 'New assignee, 1 to 200 characters and not only spaces; null takes the assignee away.',
  })
  assignee?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'The version that you saw; only with a single id. Null, or left out: whatever it is.',
  })
  expectedVersion?: number | null;
}

// `savePlaybook` of the playbooks domain answers with it, too.
@Directive('@shareable')
@Rights(SIGNED_IN)
@ObjectType({ description: 'It changed since you saw it; nothing was written.' })
export class StaleVersion {
  @Field(() => ID, { description: 'Id of what changed.' })
  id!: string;

  @Field(() => Int, { description: 'Its version now.' })
  currentVersion!: number;
}

@Rights('alerts:read')
@ObjectType({ description: 'A closed alert is not opened again: later matches have an alert of their own.' })
export class AlertAlreadyClosed {
  @Field(() => ID, { description: 'Id of the alert.' })
  id!: string;
}

// `investigate` of the agents domain answers with it, too.
@Directive('@shareable')
@Rights(SIGNED_IN)
@ObjectType({ description: 'There is no alert with this id that you may see.' })
export class AlertNotFound {
  @Field(() => ID, { description: 'The id that was asked for.' })
  id!: string;
}

export const UpdateAlertResult = createUnionType({
  name: 'UpdateAlertResult',
  description: 'What became of one alert.',
  types: () => [AlertType, StaleVersion, AlertAlreadyClosed, AlertNotFound] as const,
  resolveType: (value) =>
    'currentVersion' in value
      ? StaleVersion
      : value instanceof AlertAlreadyClosed
        ? AlertAlreadyClosed
        : value instanceof AlertNotFound
          ? AlertNotFound
          : AlertType,
});

export enum AlertChangeKind {
  OPENED = 'OPENED',
  UPDATED = 'UPDATED',
}
registerEnumType(AlertChangeKind, { name: 'AlertChangeKind', description: 'What happened to an alert.' });

@Rights('alerts:read')
@ObjectType({ description: 'One change of one alert.' })
export class AlertChange extends LiveChange {
  @Field(() => AlertChangeKind, { description: 'What happened.' })
  kind!: keyof typeof AlertChangeKind;

  @Field(() => ID, { description: 'Id of the alert.' })
  alertId!: string;

  @Field(() => [String], { description: 'Names of the fields that changed; empty when it was opened.' })
  changed!: string[];
}

export const AlertChangeItem = liveItemUnion('AlertChangeItem', 'An item of `alertChanged`.', AlertChange);
