import { connectionType, Rights } from '@aurorasoc/kit/graphql';
import { LiveChange, liveItemUnion } from '@aurorasoc/kit/live';
import { GraphQLJSONObject, GraphQLSafeInt } from 'graphql-scalars';
import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { SHOWN_BYTES } from './list-refused.js';

@Rights('devices:read')
@ObjectType('TelemetrySample', { description: 'What a device measured at one moment.' })
export class TelemetrySampleType {
  @Field(() => ID, { description: 'UUIDv7 given when it was received.' })
  id!: string;

  @Field(() => GraphQLSafeInt, { description: 'The number that the device gave it; it counts up by one.' })
  sequence!: number;

  @Field(() => Date, { description: 'When it was measured, by the clock of the device.' })
  measuredAt!: Date;

  @Field(() => Date, { description: 'When it was received here.' })
  receivedAt!: Date;

  @Field(() => GraphQLJSONObject, {
    description: 'Numbers, texts and booleans by name. Texts are hostile: show them escaped.',
  })
  metrics!: Record<string, unknown>;
}

export const TelemetrySampleConnection = connectionType(TelemetrySampleType, 'TelemetrySample', 'devices:read');

@Rights('devices:read')
@ObjectType('TelemetryGap', {
  description: 'Sequence numbers of a device that never came, between some that did.',
})
export class TelemetryGapType {
  @Field(() => GraphQLSafeInt, { description: 'First number that is missing.' })
  firstSequence!: number;

  @Field(() => GraphQLSafeInt, { description: 'Last number that is missing.' })
  lastSequence!: number;
}

// The same words as in the alerts domain: in the graph it is one type.
@InputType('TimeRangeInput', { description: 'A span of time; `from` is inside, `to` is not.' })
export class TimeRangeInput {
  @Field(() => Date, { description: 'First moment.' })
  from!: Date;

  @Field(() => Date, { description: 'First moment behind.' })
  to!: Date;
}

@Rights('devices:read')
@ObjectType({ description: 'Samples of a device that were not there before.' })
export class DeviceTelemetryRecorded extends LiveChange {
  @Field(() => ID, { description: 'Id of the device.' })
  deviceId!: string;

  sequences!: readonly number[];

  wanted!: ReadonlySet<string> | undefined;
}

export const DeviceTelemetryItem = liveItemUnion(
  'DeviceTelemetryItem',
  'An item of `deviceTelemetry`.',
  DeviceTelemetryRecorded,
);

export enum TelemetryRefusalReason {
  UNDECODABLE = 'UNDECODABLE',
  TOO_LARGE = 'TOO_LARGE',
  SEQUENCE_REUSED = 'SEQUENCE_REUSED',
}
registerEnumType(TelemetryRefusalReason, {
  name: 'TelemetryRefusalReason',
  description: 'Why a message of a device is no sample.',
  valuesConfig: {
    UNDECODABLE: { description: 'It is not CBOR of the form that devices send, or it has too many metrics.' },
    TOO_LARGE: { description: 'It is longer than 64 KiB.' },
    SEQUENCE_REUSED: { description: 'Another sample of the device has its sequence number.' },
  },
});

@Rights('devices:read')
@ObjectType('RefusedTelemetry', { description: 'A message of a device that is no sample.' })
export class RefusedTelemetryType {
  @Field(() => ID, { description: 'UUIDv7 given when it was received.' })
  id!: string;

  @Field(() => TelemetryRefusalReason, { description: 'Why it is none.' })
  reason!: keyof typeof TelemetryRefusalReason;

  @Field(() => Date, { description: 'When it was received.' })
  receivedAt!: Date;

  @Field(() => String, { description: `The first ${SHOWN_BYTES} bytes of the message, in base64.` })
  body!: string;

  @Field(() => Int, { description: 'Length of the whole message, in bytes.' })
  length!: number;
}

export const RefusedTelemetryConnection = connectionType(RefusedTelemetryType, 'RefusedTelemetry', 'devices:read');
