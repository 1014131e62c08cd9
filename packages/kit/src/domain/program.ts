/** What a domain's package gives to the command line: one function that runs its process. */
import type { PrincipalContext } from '../graphql/rights.js';
import { runProcess } from '../lifecycle.js';
import { createLog } from '../log.js';
import { type DomainDefinition, type DomainParts, startDomain } from './domain.js';
import type { DomainEnvironment } from './environment.js';

/** Runs a domain's process until it is told to end. @throws AuroraError `CONFIGURATION_INVALID` before anything starts. */
export type DomainProgram = (parts?: DomainParts) => Promise<void>;

/** @param define - the domain, as its variables want it. */
export function domainProgram<E extends DomainEnvironment, S, C extends PrincipalContext>(
  readEnvironment: () => E,
  define: (environment: E) => DomainDefinition<S, C>,
): DomainProgram {
  return async (parts = 'all') => {
    const environment = readEnvironment();
    const definition = define(environment);
    const log = createLog(definition.domain, environment.LOG_LEVEL);
    await runProcess({ log, isSupervised: environment.AURORA_SUPERVISED === '1' }, (stopper) =>
      startDomain(definition, environment, log, stopper, parts),
    );
  };
}
