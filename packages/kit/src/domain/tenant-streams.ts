/** Where a domain looks for the entries of a tenant that is erased. */
import { erasureRoutes } from '../erasure/contract.js';
import type { TenantStream } from '../erasure/erase-entries.js';
import { eventStream } from '../events/relay.js';
import type { DomainDefinition } from './domain.js';

/**
 * What the domain writes and what it reads, each stream once: where it does both, or reads by several groups, with all groups.
 *
 * Of a foreign stream the domain waits for its own groups alone, and need not know of others. An erasure is still not over
 * while another domain's group has entries: that domain answers for itself, and whatever its group has at hand by then is
 * refused by the rows that close the tenant there. What is taken from under a group that has read it counts as lost there,
 * so a foreign stream with a second foreign reader would need `readers` of its own here; today each has one.
 *
 * @param consumed - one for each group of the domain's own workers.
 */
export function tenantStreams(
  { domain, routes, readers = {} }: Pick<DomainDefinition<never, never>, 'domain' | 'routes' | 'readers'>,
  consumed: readonly TenantStream[],
): TenantStream[] {
  const routed = Object.values({ ...routes, ...erasureRoutes(domain) }).map((stream) => ({ stream, groups: [] }));
  const all: TenantStream[] = [{ stream: eventStream(domain), groups: Object.keys(readers) }, ...routed, ...consumed];
  return [...Map.groupBy(all, ({ stream }) => stream)].map(([stream, same]) => ({
    stream,
    groups: same.flatMap(({ groups }) => groups),
    attribute: same.find(({ attribute }) => attribute !== undefined)?.attribute,
  }));
}
