import { type Connection, entityPage, PageArgs, Rights, storableText, uuidOf } from '@aurorasoc/kit/graphql';
import { LiveField, ResumeAfter } from '@aurorasoc/kit/live';
import { Arg, Args, ArgsType, Ctx, Field, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { DevicesContext } from '../context.js';
import { Device } from './device.entity.js';
import {
  DeviceChange,
  DeviceChangedMeanwhile,
  DeviceChangeItem,
  DeviceConnection,
  DeviceFilterInput,
  DeviceNotFound,
  DeviceType,
  QuarantineDeviceResult,
} from './device.type.js';
import { openDeviceChanges } from './device-changed.js';
import { conditionOf, type DeviceFilter } from './device-filter.js';
import { setQuarantine } from './set-quarantine.js';

@ArgsType()
class DevicesArgs extends PageArgs {
  @Field(() => DeviceFilterInput, { nullable: true, description: 'Only devices that fit.' })
  filter?: DeviceFilterInput | null;
}

/** No model is longer: enrolment refuses it. */
const MAX_FILTER_TEXT = 200;

@Resolver(() => DeviceType)
export class DeviceResolver {
  @Rights('devices:read')
  @Query(() => DeviceType, { nullable: true, description: 'One device by its id.' })
  async device(
    @Arg('id', () => ID, { description: 'Id of the device.' }) id: string,
    @Ctx() { loaders }: DevicesContext,
  ): Promise<Device | null> {
    return loaders.device.load(uuidOf('id', id));
  }

  @Rights('devices:read')
  @Query(() => DeviceConnection, { description: 'Enrolled devices, newest first.' })
  async devices(
    @Args(() => DevicesArgs) args: DevicesArgs,
    @Ctx() { services, principal }: DevicesContext,
  ): Promise<Connection<Device>> {
    const list = { name: 'devices', entity: Device, where: conditionOf(readFilter(args.filter)) };
    return entityPage(services.runtime.database, principal.tenant, list, args);
  }

  @Rights('devices:write')
  @Mutation(() => QuarantineDeviceResult, { description: 'Sets a device apart. What it sends is still kept.' })
  quarantineDevice(
    @Arg('id', () => ID, { description: 'Id of the device.' }) id: string,
    @Arg('expectedVersion', () => Int, { description: 'The version that you saw.' }) expectedVersion: number,
    @Ctx() context: DevicesContext,
  ): Promise<Device | DeviceChangedMeanwhile | DeviceNotFound> {
    return changeQuarantine(context, id, expectedVersion, true);
  }

  @Rights('devices:write')
  @Mutation(() => QuarantineDeviceResult, { description: 'Takes a device back out of quarantine.' })
  releaseDevice(
    @Arg('id', () => ID, { description: 'Id of the device.' }) id: string,
    @Arg('expectedVersion', () => Int, { description: 'The version that you saw.' }) expectedVersion: number,
    @Ctx() context: DevicesContext,
  ): Promise<Device | DeviceChangedMeanwhile | DeviceNotFound> {
    return changeQuarantine(context, id, expectedVersion, false);
  }

  @Rights('devices:read')
  @LiveField(
    DeviceChangeItem,
    'Every change of the devices that fit, each once and in order; with `after`, from there on.',
    (context: DevicesContext, args: { filter?: DeviceFilterInput | null; after?: string | null }) =>
      openDeviceChanges(context, readFilter(args.filter), args.after ?? undefined),
  )
  deviceChanged(
    @Root() item: typeof DeviceChangeItem,
    @Arg('filter', () => DeviceFilterInput, {
      nullable: true,
      description: 'Only changes after which the device fits.',
    })
    _filter?: DeviceFilterInput | null,
    @ResumeAfter() _after?: string | null,
  ): typeof DeviceChangeItem {
    return item;
  }
}

@Resolver(() => DeviceChange)
export class DeviceChangeResolver {
  @FieldResolver(() => DeviceType, {
    nullable: true,
    description: 'The device as it is at emission, which may be newer than `version`.',
  })
  device(@Root() change: DeviceChange, @Ctx() { loaders }: DevicesContext): Promise<Device | null> {
    return loaders.device.load(change.deviceId);
  }
}

/** Null is a condition that is left out. @throws AuroraError `BAD_USER_INPUT` */
function readFilter(input: DeviceFilterInput | null | undefined): DeviceFilter {
  return {
    connection: input?.connection ?? undefined,
    isQuarantined: input?.isQuarantined ?? undefined,
    model: input?.model == null ? undefined : storableText('filter.model', input.model, MAX_FILTER_TEXT),
  };
}

async function changeQuarantine(
  { services, principal }: DevicesContext,
  id: string,
  expectedVersion: number,
  isQuarantined: boolean,
): Promise<Device | DeviceChangedMeanwhile | DeviceNotFound> {
  const outcome = await setQuarantine(services, principal, uuidOf('id', id), expectedVersion, isQuarantined);
  if (outcome.kind === 'missing') return Object.assign(new DeviceNotFound(), { id });
  if (outcome.kind === 'stale')
    return Object.assign(new DeviceChangedMeanwhile(), { id, currentVersion: outcome.currentVersion });
  return outcome.device;
}
