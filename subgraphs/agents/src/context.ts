/** What the resolvers of one operation share: the caller, and loaders that see the caller's tenant only. */
import type { EntityManager } from '@aurorasoc/kit/database';
import type { DomainRuntime } from '@aurorasoc/kit/domain';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { createListLoader, createLoader, type DataLoader, type PrincipalContext } from '@aurorasoc/kit/graphql';
import type { AgentHealth } from './agent/agent-health.js';
import type { AgentsEvents } from './events.js';
import type { GraphClient } from './graph/graph-client.js';
import { Investigation, type Mode } from './investigation/investigation.entity.js';
import type { InvestigationLog } from './investigation/investigation-log.js';
import type { InvestigationStep } from './investigation/investigation-step.entity.js';
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

export interface AgentsContext extends PrincipalContext {
  readonly services: AgentsServices;
  readonly loaders: {
    readonly investigation: DataLoader<string, Investigation | null>;
    /** Newest first. */
    readonly investigationsOfAlert: DataLoader<string, Investigation[]>;
    /** In order. */
    readonly stepsOfInvestigation: DataLoader<string, InvestigationStep[]>;
  };
}

export function createContext(services: AgentsServices): (base: PrincipalContext) => AgentsContext {
  return ({ principal }) => {
    const read = <T>(work: (em: EntityManager) => Promise<T>): Promise<T> =>
      services.runtime.database.inTenant(principal.tenant, work);
    return {
      principal,
      services,
      loaders: {
        investigation: createLoader(
          (ids) => read((em) => em.find(Investigation, { id: { $in: [...ids] } })),
          (investigation) => investigation.id,
        ),
        investigationsOfAlert: createListLoader(
          (ids) => read((em) => listInvestigationsOfAlerts(em, ids)),
          (investigation) => investigation.alertId,
        ),
        stepsOfInvestigation: createListLoader(
          (ids) => read((em) => listSteps(em, ids)),
          (step) => step.investigationId,
        ),
      },
    };
  };
}
