/** How other subgraphs reach this domain's entities by key; batched, and closed to other tenants by the loaders. */
import { type ReferenceResolver, referenceById } from '@aurorasoc/kit/graphql';
import type { DevicesContext } from './context.js';

export const typeReferences: Readonly<Record<string, ReferenceResolver<DevicesContext>>> = {
  Device: referenceById((id, { loaders }) => loaders.device.load(id)),
};
