/** The subgraph's schema. */
import { buildDomainSchema } from '@aurorasoc/kit/graphql';
import type { GraphQLSchema } from 'graphql';
import { PlaybookChangeResolver, PlaybookResolver, PlaybookVersionResolver } from './playbook/playbook.resolver.js';
import { typeReferences } from './references.js';

export function buildPlaybooksSchema(): Promise<GraphQLSchema> {
  return buildDomainSchema({
    resolvers: [PlaybookResolver, PlaybookVersionResolver, PlaybookChangeResolver],
    references: typeReferences,
  });
}
