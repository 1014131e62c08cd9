/** The context of one operation. */
import type { Principal } from '../auth/principal.js';
import type { PrincipalContext } from '../graphql/rights.js';

/**
 * @typeParam S - what lives as long as the process.
 * @typeParam L - loaders, which see the caller's tenant only.
 */
export interface DomainContext<S, L> extends PrincipalContext {
  readonly services: S;
  readonly loaders: L;
}

/** A domain's `createContext`. @param createLoaders - called for each operation, with the caller's tenant. */
export function contextWith<S, L>(
  createLoaders: (services: S, tenant: Principal['tenant']) => L,
): (services: S) => (base: PrincipalContext) => DomainContext<S, L> {
  return (services) =>
    ({ principal }) => ({ principal, services, loaders: createLoaders(services, principal.tenant) });
}
