/** How other subgraphs reach this domain's entities by key; batched, and closed to other tenants by the loaders. */
import { type ReferenceResolver, referenceById } from '@aurorasoc/kit/graphql';
import type { PlaybooksContext } from './context.js';

export const typeReferences: Readonly<Record<string, ReferenceResolver<PlaybooksContext>>> = {
  Playbook: referenceById((id, { loaders }) => loaders.playbook.load(id)),
};
