/** What the resolvers of one operation share: the caller, and loaders that see the caller's tenant only. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { contextWith, type DomainContext, type DomainRuntime } from '@aurorasoc/kit/domain';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { createListLoader, entityLoader } from '@aurorasoc/kit/graphql';
import type { AgentHealth } from './agent/agent-health.js';
import type { AgentsEvents } from './events.js';
import type { GraphClient } from './graph/graph-client.js';
import { Investigation, type Mode } from './investigation/investigation.entity.js';
import type { InvestigationLog } from './investigation/investigation-log.js';
import { listInvestigationsOfAlerts, listSteps } from './investigation/list-investigations.js';
import type { AgentTokens } from './task/agent-tokens.js';

/** What lives as long as the process, as far as resolvers use it. */
export interface AgentsServices {
  readonly runtime: Pick<DomainRuntime, 'database' | 'live' | 'log'>;
  readonly graph: GraphClient;
  readonly tokens: AgentTokens;
  readonly recorder: EventRecorder<AgentsEvents>;
  readonly investigationLog: InvestigationLog;
  readonly mode: Mode;
  readonly agentHealth: AgentHealth;
}

function createLoaders({ runtime: { database } }: AgentsServices, tenant: string) {
  const read = <T>(work: (em: EntityManager) => Promise<T>): Promise<T> => database.inTenant(tenant, work);
  return {
    investigation: entityLoader(database, tenant, Investigation),
    /** Newest first. */
    investigationsOfAlert: createListLoader(
      (ids) => read((em) => listInvestigationsOfAlerts(em, ids)),
      (investigation) => investigation.alertId,
    ),
    /** In order. */
    stepsOfInvestigation: createListLoader(
      (ids) => read((em) => listSteps(em, ids)),
      (step) => step.investigationId,
    ),
  };
}

export type AgentsContext = DomainContext<AgentsServices, ReturnType<typeof createLoaders>>;
export const createContext = contextWith(createLoaders);
