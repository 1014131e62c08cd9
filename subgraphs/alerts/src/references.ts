/** How other subgraphs reach this domain's entities by key; batched, and closed to other tenants by the loaders. */
import { keyOf, type ReferenceResolver } from '@aurorasoc/kit/graphql';
import { isUuid } from '@aurorasoc/kit/ids';
import type { AlertsContext } from './context.js';
import { toEventType } from './event/event.resolver.js';
import { toDetectionRuleType } from './rule/detection-rule.type.js';

export const typeReferences: Readonly<Record<string, ReferenceResolver<AlertsContext>>> = {
  Alert: (reference, { loaders }) => {
    const id = keyOf(reference, 'id');
    return isUuid(id) ? loaders.alert.load(id) : null;
  },
  Event: async (reference, { loaders }) => {
    const id = keyOf(reference, 'id');
    const event = isUuid(id) ? await loaders.event.load(id) : null;
    return event && toEventType(event);
  },
  DetectionRule: async (reference, { loaders }) => {
    const id = keyOf(reference, 'id');
    const rule = isUuid(id) ? await loaders.rule.load(id) : null;
    return rule && toDetectionRuleType(rule);
  },
};
