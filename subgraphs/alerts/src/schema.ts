/** The subgraph's schema. */
import { buildDomainSchema } from '@aurorasoc/kit/graphql';
import type { GraphQLSchema } from 'graphql';
import { AlertChangeResolver, AlertResolver } from './alert/alert.resolver.js';
import { EventResolver } from './event/event.resolver.js';
import { typeReferences } from './references.js';
import { DetectionRuleResolver } from './rule/detection-rule.resolver.js';

export function buildAlertsSchema(): Promise<GraphQLSchema> {
  return buildDomainSchema({
    resolvers: [AlertResolver, AlertChangeResolver, EventResolver, DetectionRuleResolver],
    references: typeReferences,
  });
}
