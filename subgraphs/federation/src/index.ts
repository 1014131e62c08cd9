/** The domain `federation`: the site itself, its identity, what its streams could not handle, how its processes are. */
import { type DomainDefinition, domainProgram } from '@aurorasoc/kit/domain';
import { listSettings } from '@aurorasoc/kit/environment';
import {
  ERASURE_REQUESTED,
  ERASURE_REQUESTS,
  ERASURES_GROUP,
  eraserGroup,
  erasureAnswers,
} from '@aurorasoc/kit/erasure';
import { EventRecorder } from '@aurorasoc/kit/events';
import { findHandled } from '@aurorasoc/kit/streams';
import type { FederationContext, FederationServices } from './context.js';
import { DeadLetterReplay } from './dead-letter/dead-letter-replay.entity.js';
import { type FederationEnvironment, federationVariables, readFederationEnvironment } from './environment.js';
import { noteErased } from './erasure/note-erased.js';
import { TenantErasure } from './erasure/tenant-erasure.entity.js';
import { federationEvents } from './events.js';
import { SiteProbe } from './health/site-probe.js';
import { migrations } from './migrations.js';
import { SiteIdentity } from './site/site-identity.js';

function defineFederation(environment: FederationEnvironment): DomainDefinition<FederationServices, FederationContext> {
  return {
    domain: 'federation',
    entities: [DeadLetterReplay, TenantErasure],
    migrations,
    routes: { [ERASURE_REQUESTED]: ERASURE_REQUESTS },
    routeReaders: { [ERASURE_REQUESTS]: environment.SITE_DOMAINS.map(eraserGroup) },
    buildSchema: async () => (await import('./schema.js')).buildFederationSchema(),
    createServices: (runtime) => ({
      runtime,
      recorder: new EventRecorder('federation', environment.AURORA_SITE, federationEvents),
      identity: new SiteIdentity(runtime.database, environment.AURORA_SITE, environment.SITE_PRIVATE_KEY_FILE),
      probe: new SiteProbe(environment.SITE_HEALTH_URLS),
      domains: environment.SITE_DOMAINS,
      settings: listSettings(federationVariables),
    }),
    createContext: async (services) => (await import('./context.js')).createContext(services),
    startWorkers: async ({ recorder, domains }, { database, log, consume }) =>
      consume({
        streams: domains.map(erasureAnswers),
        group: ERASURES_GROUP,
        findHandled: findHandled(database, ERASURES_GROUP),
        handle: noteErased(database, recorder, log),
      }),
  };
}

/** The role `federation`. */
export const runFederation = domainProgram(readFederationEnvironment, defineFederation);
