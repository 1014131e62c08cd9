/** How other subgraphs reach this domain's entities by key; batched, and closed to other tenants by the loaders. */
import { type ReferenceResolver, referenceById } from '@aurorasoc/kit/graphql';
import type { MemoryContext } from './context.js';

export const typeReferences: Readonly<Record<string, ReferenceResolver<MemoryContext>>> = {
  MemoryEntry: referenceById((id, { loaders }) => loaders.entry.load(id)),
  // Whether the investigation exists is the agents domain's to say; here it is only what entries come from.
  Investigation: referenceById((id) => ({ id })),
};
