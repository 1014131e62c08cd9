/** The subgraph's schema. */
import { buildDomainSchema } from '@aurorasoc/kit/graphql';
import type { GraphQLSchema } from 'graphql';
import { EntryResolver, MemoryChangeResolver } from './entry/entry.resolver.js';
import { InvestigationResolver } from './investigation/investigation.resolver.js';
import { RecallResolver } from './recall/recall.resolver.js';
import { typeReferences } from './references.js';

export function buildMemorySchema(): Promise<GraphQLSchema> {
  return buildDomainSchema({
    resolvers: [EntryResolver, MemoryChangeResolver, InvestigationResolver, RecallResolver],
    references: typeReferences,
  });
}
