/** What the resolvers of one operation share: the caller, and what lives as long as the process. */
import { contextWith, type DomainContext, type DomainRuntime } from '@aurorasoc/kit/domain';
import type { Setting } from '@aurorasoc/kit/environment';
import type { EventRecorder } from '@aurorasoc/kit/events';
import type { FederationEvents } from './events.js';
import type { SiteProbe } from './health/site-probe.js';
import type { SiteIdentity } from './site/site-identity.js';

export interface FederationServices {
  readonly runtime: DomainRuntime;
  readonly recorder: EventRecorder<FederationEvents>;
  readonly identity: SiteIdentity;
  readonly probe: SiteProbe;
  /** Names of the site's domains. */
  readonly domains: readonly string[];
  readonly settings: readonly Setting[];
}

export type FederationContext = DomainContext<FederationServices, object>;
export const createContext = contextWith<FederationServices, object>(() => ({}));
