import { badUserInput } from '@aurorasoc/kit/errors';
import { Rights, SIGNED_IN, storableText } from '@aurorasoc/kit/graphql';
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { DevicesContext } from '../context.js';
import type { Device } from '../device/device.entity.js';
import { enrolDevice } from './enrol-device.js';
import {
  CreateEnrolmentTokenInput,
  EnrolDeviceInput,
  EnrolDeviceResult,
  EnrolmentToken,
  EnrolmentTokenRefused,
} from './enrolment.type.js';
import { type IssuedToken, issueToken } from './enrolment-token.js';
import { readPublicKey } from './public-key.js';

const MAX_MINUTES = 7 * 24 * 60;
const MAX_TEXT = 200;

@Resolver()
export class EnrolmentResolver {
  @Rights('devices:write')
  @Mutation(() => EnrolmentToken, { description: 'Makes a token by which one device can be enrolled.' })
  createEnrolmentToken(
    @Arg('input', () => CreateEnrolmentTokenInput, { description: 'What it is to be like.' })
    { validForMinutes }: CreateEnrolmentTokenInput,
    @Ctx() { services, principal }: DevicesContext,
  ): Promise<IssuedToken> {
    if (validForMinutes < 1 || validForMinutes > MAX_MINUTES)
      throw badUserInput('input.validForMinutes', `A token is valid for 1 to ${MAX_MINUTES} minutes`);
    return issueToken(services.runtime.database, principal, validForMinutes, new Date());
  }

  // The token is the permission: whoever installs devices need not be able to change any.
  @Rights(SIGNED_IN)
  @Mutation(() => EnrolDeviceResult, {
    description:
      'Enrols a device with a token of the tenant. Asked again with the same token and key it gives the same device.',
  })
  async enrolDevice(
    @Arg('input', () => EnrolDeviceInput, { description: 'What the device says about itself.' })
    input: EnrolDeviceInput,
    @Ctx() { services, principal }: DevicesContext,
  ): Promise<Device | EnrolmentTokenRefused> {
    const outcome = await enrolDevice(services, principal, {
      token: input.token,
      name: nameOf('input.name', input.name),
      model: nameOf('input.model', input.model),
      firmwareVersion: nameOf('input.firmwareVersion', input.firmwareVersion),
      publicKey: readPublicKey('input.publicKey', input.publicKey),
    });
    if (outcome.kind === 'enrolled') return outcome.device;
    return Object.assign(new EnrolmentTokenRefused(), { reason: REASONS[outcome.kind] });
  }
}

const REASONS = { unknown: 'UNKNOWN', expired: 'EXPIRED', used: 'USED' } as const;

/** @throws AuroraError `BAD_USER_INPUT` */
function nameOf(field: string, text: string): string {
  if (text.trim() === '') throw badUserInput(field, 'Give at least one character that is no space');
  return storableText(field, text, MAX_TEXT);
}
