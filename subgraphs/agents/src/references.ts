/** How other subgraphs reach this domain's entities by key; batched, and closed to other tenants by the loaders. */
import { keyOf, type ReferenceResolver } from '@aurorasoc/kit/graphql';
import { isUuid } from '@aurorasoc/kit/ids';
import type { AgentsContext } from './context.js';

export const typeReferences: Readonly<Record<string, ReferenceResolver<AgentsContext>>> = {
  Investigation: (reference, { loaders }) => {
    const id = keyOf(reference, 'id');
    return isUuid(id) ? loaders.investigation.load(id) : null;
  },
  // Whether the alert exists is the alerts domain's to say; here it is only what investigations are about.
  Alert: (reference) => {
    const id = keyOf(reference, 'id');
    return isUuid(id) ? { id } : null;
  },
};
