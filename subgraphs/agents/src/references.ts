/** How other subgraphs reach this domain's entities by key; batched, and closed to other tenants by the loaders. */
import { type ReferenceResolver, referenceById } from '@aurorasoc/kit/graphql';
import type { AgentsContext } from './context.js';

export const typeReferences: Readonly<Record<string, ReferenceResolver<AgentsContext>>> = {
  Investigation: referenceById((id, { loaders }) => loaders.investigation.load(id)),
  // Whether the alert exists is the alerts domain's to say; here it is only what investigations are about.
  Alert: referenceById((id) => ({ id })),
};
