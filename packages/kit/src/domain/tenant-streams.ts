/** Where a domain looks for the entries of a tenant that is erased. */
import { erasureRoutes } from '../erasure/contract.js';
import type { TenantStream } from '../erasure/erase-entries.js';
import { eventStream } from '../events/relay.js';
import type { DomainDefinition } from './domain.js';

/**
 * What the domain writes and what it reads, each stream once: where it does both, or reads by several groups, with all groups.
 *
 * @param consumed - one for each group of the domain's own workers.
 */
export function tenantStreams(
  { domain, routes, readers = [] }: Pick<DomainDefinition<never, never>, 'domain' | 'routes' | 'readers'>,
  consumed: readonly TenantStream[],
): TenantStream[] {
  const routed = Object.values({ ...routes, ...erasureRoutes(domain) }).map((stream) => ({ stream, groups: [] }));
  const all: TenantStream[] = [{ stream: eventStream(domain), groups: readers }, ...routed, ...consumed];
  return [...Map.groupBy(all, ({ stream }) => stream)].map(([stream, same]) => ({
    stream,
    groups: same.flatMap(({ groups }) => groups),
    attribute: same.find(({ attribute }) => attribute !== undefined)?.attribute,
  }));
}
