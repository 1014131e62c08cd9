import { connectionType, Rights } from '@aurorasoc/kit/graphql';
import { LiveChange, liveItemUnion } from '@aurorasoc/kit/live';
import { createUnionType, Directive, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum ConnectionStateEnum {
  UNKNOWN = 'UNKNOWN',
  ONLINE = 'ONLINE',
  OFFLINE = 'OFFLINE',
}
registerEnumType(ConnectionStateEnum, {
  name: 'ConnectionState',
  description: 'Whether a device is heard of.',
  valuesConfig: {
    UNKNOWN: { description: 'It has sent nothing yet, or this site could not hear of it when its grace period ended.' },
    ONLINE: { description: 'It sent something within the grace period.' },
    OFFLINE: { description: 'It was silent for longer than the grace period, in which this site listened.' },
  },
});

@Directive('@key(fields: "id")')
@Rights('devices:read')
@ObjectType('Device', { description: 'A device at the edge that was enrolled here.' })
export class DeviceType {
  @Field(() => ID, { description: 'UUIDv7 given at enrolment; the device uses it in its topics.' })
  id!: string;

  @Field(() => Int, { description: 'Grows by one with every change; give it back to change only what you saw.' })
  version!: number;

  @Field(() => String, { description: 'What people call it.' })
  name!: string;

  @Field(() => String, { description: 'Which kind of device it is, as its maker names it.' })
  model!: string;

  @Field(() => String, { description: 'The firmware that it said it runs when it was enrolled.' })
  firmwareVersion!: string;

  @Field(() => String, { description: 'Its public key: SubjectPublicKeyInfo in PEM.' })
  publicKey!: string;

  @Field(() => ConnectionStateEnum, { description: 'Whether it is heard of.' })
  connection!: keyof typeof ConnectionStateEnum;

  @Field(() => Boolean, { description: 'Whether it is set apart; what it sends is still kept.' })
  isQuarantined!: boolean;

  @Field(() => Date, { description: 'When it was enrolled.' })
  enrolledAt!: Date;

  @Field(() => Date, { description: 'When it changed last; being seen is no change.' })
  updatedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When its latest message was received; null when none was.' })
  lastSeenAt!: Date | null;
}

export const DeviceConnection = connectionType(DeviceType, 'Device', 'devices:read');

@InputType({ description: 'All of the given conditions hold; a list is an OR.' })
export class DeviceFilterInput {
  @Field(() => [ConnectionStateEnum], { nullable: true, description: 'One of these.' })
  connection?: (keyof typeof ConnectionStateEnum)[] | null;

  @Field(() => Boolean, { nullable: true, description: 'Set apart, or not.' })
  isQuarantined?: boolean | null;

  @Field(() => String, { nullable: true, description: 'Of exactly this model.' })
  model?: string | null;
}

@Rights('devices:read')
@ObjectType({ description: 'The device changed since you saw it; nothing was written.' })
export class DeviceChangedMeanwhile {
  @Field(() => ID, { description: 'Id of the device.' })
  id!: string;

  @Field(() => Int, { description: 'Its version now.' })
  currentVersion!: number;
}

@Rights('devices:read')
@ObjectType({ description: 'There is no device with this id that you may see.' })
export class DeviceNotFound {
  @Field(() => ID, { description: 'The id that was asked for.' })
  id!: string;
}

export const QuarantineDeviceResult = createUnionType({
  name: 'QuarantineDeviceResult',
  description: 'What became of the device.',
  types: () => [DeviceType, DeviceChangedMeanwhile, DeviceNotFound] as const,
  resolveType: (value) =>
    value instanceof DeviceChangedMeanwhile
      ? DeviceChangedMeanwhile
      : value instanceof DeviceNotFound
        ? DeviceNotFound
        : DeviceType,
});

export enum DeviceChangeKind {
  ENROLLED = 'ENROLLED',
  UPDATED = 'UPDATED',
  QUARANTINED = 'QUARANTINED',
}
registerEnumType(DeviceChangeKind, {
  name: 'DeviceChangeKind',
  description: 'What happened to a device.',
  valuesConfig: {
    ENROLLED: { description: 'It was enrolled.' },
    UPDATED: { description: 'Some of its fields changed; `changed` names them.' },
    QUARANTINED: { description: 'It was set apart.' },
  },
});

@Rights('devices:read')
@ObjectType({ description: 'One change of one device.' })
export class DeviceChange extends LiveChange {
  @Field(() => DeviceChangeKind, { description: 'What happened.' })
  kind!: keyof typeof DeviceChangeKind;

  @Field(() => ID, { description: 'Id of the device.' })
  deviceId!: string;

  @Field(() => [String], { description: 'Names of the fields that changed; empty when it was enrolled.' })
  changed!: string[];
}

export const DeviceChangeItem = liveItemUnion('DeviceChangeItem', 'An item of `deviceChanged`.', DeviceChange);
