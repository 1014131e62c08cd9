import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import {
  type Connection,
  PageArgs,
  type PagedList,
  pageSize,
  Rights,
  readPage,
  storableText,
  storableTime,
  uuidOf,
} from '@aurorasoc/kit/graphql';
import { LiveField, ResumeAfter } from '@aurorasoc/kit/live';
import { Arg, Args, ArgsType, Ctx, Field, FieldResolver, ID, Int, Resolver, Root } from 'type-graphql';
import type { DevicesContext } from '../context.js';
import type { Device } from '../device/device.entity.js';
import { DeviceType } from '../device/device.type.js';
import type { Gap } from './list-gaps.js';
import type { RefusedTelemetry } from './list-refused.js';
import { pickMetrics, type Sample } from './list-samples.js';
import {
  DeviceTelemetryItem,
  DeviceTelemetryRecorded,
  RefusedTelemetryConnection,
  TelemetryGapType,
  TelemetrySampleConnection,
  TelemetrySampleType,
  TimeRangeInput,
} from './telemetry.type.js';
import { openDeviceTelemetry } from './telemetry-recorded.js';

/** As long as a device's message allows. */
const MAX_NAME = 64;
const MAX_WANTED = 64;

@ArgsType()
class TelemetryArgs extends PageArgs {
  @Field(() => String, { nullable: true, description: 'Only samples with this metric, and of them only it.' })
  metric?: string | null;

  @Field(() => TimeRangeInput, { nullable: true, description: "Only samples measured in it, by the device's clock." })
  range?: TimeRangeInput | null;
}

@Resolver(() => DeviceType)
export class DeviceTelemetryResolver {
  @FieldResolver(() => TelemetrySampleConnection, {
    description: "What the device measured, newest first by the device's clock.",
  })
  telemetry(
    @Root() device: Device,
    @Args(() => TelemetryArgs) args: TelemetryArgs,
    @Ctx() { loaders }: DevicesContext,
  ): Promise<Connection<Sample>> {
    const { from, to } = readRange(args.range);
    const metric = args.metric == null ? undefined : storableText('metric', args.metric, MAX_NAME);
    const wanted = metric === undefined ? undefined : new Set([metric]);
    // Each device's list is one of its own: a place in another's means nothing in it.
    const list: PagedList = { name: `telemetry of device ${device.id}`, sortedBy: ['time', 'id'] };
    return readPage(args, {
      list,
      read: (after, limit) => loaders.samplesOfDevice.load({ deviceId: device.id, metric, from, to, after, limit }),
      keysOf: (sample) => [sample.measuredAt.toISOString(), sample.id],
      toNode: (sample) => pickMetrics(sample, wanted) ?? sample,
    });
  }

  @FieldResolver(() => [TelemetryGapType], {
    description:
      'Sequence numbers that are missing between those that came, latest first; a message that is late closes its gap.',
  })
  telemetryGaps(
    @Root() device: Device,
    @Arg('first', () => Int, { defaultValue: 50, description: 'How many gaps, 1 to 200.' }) first: number,
    @Ctx() { loaders }: DevicesContext,
  ): Promise<Gap[]> {
    return loaders.gapsOfDevice.load({ deviceId: device.id, limit: pageSize(first) });
  }

  @FieldResolver(() => RefusedTelemetryConnection, {
    description: 'Messages of the device that are no samples, as they came, newest first.',
  })
  refusedTelemetry(
    @Root() device: Device,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { loaders }: DevicesContext,
  ): Promise<Connection<RefusedTelemetry>> {
    return readPage(args, {
      list: { name: `refused telemetry of device ${device.id}`, sortedBy: ['id'] },
      read: (after, limit) => loaders.refusedOfDevice.load({ deviceId: device.id, before: after?.[0], limit }),
      keysOf: ({ id }) => [id],
      toNode: (refused) => refused,
    });
  }
}

@Resolver(() => DeviceTelemetryRecorded)
export class TelemetryResolver {
  @FieldResolver(() => [TelemetrySampleType], {
    description: 'The samples with one of the wanted metrics, in the order of their numbers.',
  })
  async samples(@Root() recorded: DeviceTelemetryRecorded, @Ctx() { loaders }: DevicesContext): Promise<Sample[]> {
    const { deviceId, sequences, wanted } = recorded;
    const samples = await loaders.samples.load({ deviceId, sequences });
    return samples.flatMap((sample) => pickMetrics(sample, wanted) ?? []);
  }

  @Rights('devices:read')
  @LiveField(
    DeviceTelemetryItem,
    'The samples of a device as they are stored, each once: from now on, or behind `after`. Late samples come late.',
    async (
      { services, principal, loaders }: DevicesContext,
      args: { deviceId: string; metrics?: readonly string[] | null; after?: string | null },
    ) => {
      const deviceId = uuidOf('deviceId', args.deviceId);
      const wanted = readWanted(args.metrics);
      // Another tenant's is not there, either. Without this its subscriber would hear nothing for ever.
      if ((await loaders.device.load(deviceId)) === null)
        throw new AuroraError({ code: 'NOT_FOUND', field: 'deviceId', publicMessage: 'There is no such device' });
      const after = args.after ?? undefined;
      return openDeviceTelemetry(services.runtime.live, { tenant: principal.tenant, deviceId, wanted, after });
    },
  )
  deviceTelemetry(
    @Root() item: typeof DeviceTelemetryItem,
    @Arg('deviceId', () => ID, { description: 'Id of the device.' }) _deviceId: string,
    @Arg('metrics', () => [String], {
      nullable: true,
      description: 'Only samples with one of these metrics, 1 to 64 names, and of them only these. Left out: all.',
    })
    _metrics?: string[] | null,
    @ResumeAfter() _after?: string | null,
  ): typeof DeviceTelemetryItem {
    return item;
  }
}

/** @throws AuroraError `BAD_USER_INPUT` */
function readRange(range: TimeRangeInput | null | undefined): { from: Date | undefined; to: Date | undefined } {
  if (range == null) return { from: undefined, to: undefined };
  const [from, to] = [storableTime('range.from', range.from), storableTime('range.to', range.to)];
  if (from >= to) throw badUserInput('range', 'A range ends after it begins');
  return { from, to };
}

/** @throws AuroraError `BAD_USER_INPUT` */
function readWanted(metrics: readonly string[] | null | undefined): ReadonlySet<string> | undefined {
  if (metrics == null) return undefined;
  if (metrics.length === 0 || metrics.length > MAX_WANTED)
    throw badUserInput('metrics', `Give 1 to ${MAX_WANTED} names, or leave them out`);
  return new Set(metrics.map((name, index) => storableText(`metrics[${index}]`, name, MAX_NAME)));
}
