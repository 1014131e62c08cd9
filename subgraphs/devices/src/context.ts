/** What the resolvers of one operation share: the caller, and loaders that see the caller's tenant only. */
import { contextWith, type DomainContext, type DomainRuntime } from '@aurorasoc/kit/domain';
import { createKeyedLoader, entityLoader } from '@aurorasoc/kit/graphql';
import { Device } from './device/device.entity.js';
import type { DeviceLog } from './device/device-log.js';
import { type GapsPage, listGaps } from './telemetry/list-gaps.js';
import { listRefused, type RefusedPage } from './telemetry/list-refused.js';
import { findSamples, listSamples, type SampleKeys, type SamplesPage } from './telemetry/list-samples.js';

/** What lives as long as the process. */
export interface DevicesServices {
  readonly runtime: DomainRuntime;
  readonly deviceLog: DeviceLog;
}

function createLoaders({ runtime: { database } }: DevicesServices, tenant: string) {
  return {
    device: entityLoader(database, tenant, Device),
    samplesOfDevice: createKeyedLoader((pages: readonly SamplesPage[]) =>
      database.inTenant(tenant, (em) => listSamples(em, pages)),
    ),
    samples: createKeyedLoader((keys: readonly SampleKeys[]) =>
      database.inTenant(tenant, (em) => findSamples(em, keys)),
    ),
    refusedOfDevice: createKeyedLoader((pages: readonly RefusedPage[]) =>
      database.inTenant(tenant, (em) => listRefused(em, tenant, pages)),
    ),
    gapsOfDevice: createKeyedLoader((pages: readonly GapsPage[]) =>
      database.inTenant(tenant, (em) => listGaps(em, pages)),
    ),
  };
}

export type DevicesContext = DomainContext<DevicesServices, ReturnType<typeof createLoaders>>;
export const createContext = contextWith(createLoaders);
