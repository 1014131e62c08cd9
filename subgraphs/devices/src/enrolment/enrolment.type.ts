import { Rights, SIGNED_IN } from '@aurorasoc/kit/graphql';
import { createUnionType, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DeviceType } from '../device/device.type.js';

@Rights('devices:write')
@ObjectType({ description: 'Lets one device be enrolled, once.' })
export class EnrolmentToken {
  @Field(() => ID, { description: 'UUIDv7.' })
  id!: string;

  @Field(() => String, { description: 'The secret to give to the device. It is shown this once.' })
  token!: string;

  @Field(() => Date, { description: 'From then on it enrols nothing.' })
  expiresAt!: Date;
}

@InputType({ description: 'What the token is to be like.' })
export class CreateEnrolmentTokenInput {
  @Field(() => Int, { defaultValue: 60, description: 'Minutes until it expires, 1 to 10,080 (a week).' })
  validForMinutes!: number;
}

@InputType({ description: 'What a device says about itself.' })
export class EnrolDeviceInput {
  @Field(() => String, { description: 'An unused enrolment token of your tenant.' })
  token!: string;

  @Field(() => String, { description: 'What people are to call it, 1 to 200 characters.' })
  name!: string;

  @Field(() => String, { description: 'Which kind of device it is, 1 to 200 characters.' })
  model!: string;

  @Field(() => String, { description: 'The firmware that it runs, 1 to 200 characters.' })
  firmwareVersion!: string;

  @Field(() => String, {
    description:
      'Its public key: SubjectPublicKeyInfo in PEM, on P-256 or Ed25519. The private key never leaves the device.',
  })
  publicKey!: string;
}

export enum TokenRefusal {
  UNKNOWN = 'UNKNOWN',
  EXPIRED = 'EXPIRED',
  USED = 'USED',
}
registerEnumType(TokenRefusal, {
  name: 'EnrolmentTokenRefusal',
  description: 'Why an enrolment token enrols nothing.',
  valuesConfig: {
    UNKNOWN: { description: 'Your tenant has no such token.' },
    EXPIRED: { description: 'Its time is over.' },
    USED: { description: 'It has enrolled another device.' },
  },
});

@Rights(SIGNED_IN)
@ObjectType({ description: 'The token enrols nothing; ask for another one.' })
export class EnrolmentTokenRefused {
  @Field(() => TokenRefusal, { description: 'Why.' })
  reason!: keyof typeof TokenRefusal;
}

export const EnrolDeviceResult = createUnionType({
  name: 'EnrolDeviceResult',
  description: 'What became of the enrolment.',
  types: () => [DeviceType, EnrolmentTokenRefused] as const,
  resolveType: (value) => (value instanceof EnrolmentTokenRefused ? EnrolmentTokenRefused : DeviceType),
});
