/** The subgraph's schema. */
import { buildDomainSchema } from '@aurorasoc/kit/graphql';
import type { GraphQLSchema } from 'graphql';
import { AgentResolver } from './agent/agent.resolver.js';
import { AlertResolver } from './alert/alert.resolver.js';
import { InvestigationProgressResolver, InvestigationResolver } from './investigation/investigation.resolver.js';
import { typeReferences } from './references.js';
import { TaskResolver } from './task/task.resolver.js';

export function buildAgentsSchema(): Promise<GraphQLSchema> {
  return buildDomainSchema({
    resolvers: [AgentResolver, AlertResolver, InvestigationResolver, InvestigationProgressResolver, TaskResolver],
    references: typeReferences,
  });
}
