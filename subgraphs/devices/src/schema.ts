/** The subgraph's schema. */
import { buildDomainSchema } from '@aurorasoc/kit/graphql';
import type { GraphQLSchema } from 'graphql';
import { DeviceChangeResolver, DeviceResolver } from './device/device.resolver.js';
import { EnrolmentResolver } from './enrolment/enrolment.resolver.js';
import { typeReferences } from './references.js';
import { DeviceTelemetryResolver, TelemetryResolver } from './telemetry/telemetry.resolver.js';

export function buildDevicesSchema(): Promise<GraphQLSchema> {
  return buildDomainSchema({
    resolvers: [DeviceResolver, DeviceChangeResolver, EnrolmentResolver, DeviceTelemetryResolver, TelemetryResolver],
    references: typeReferences,
  });
}
