/** How other subgraphs reach this domain's entities by key; batched, and closed to other tenants by the loaders. */
import { type ReferenceResolver, referenceById } from '@aurorasoc/kit/graphql';
import type { AlertsContext } from './context.js';
import { toEventType } from './event/event.resolver.js';
import { toDetectionRuleType } from './rule/detection-rule.type.js';

export const typeReferences: Readonly<Record<string, ReferenceResolver<AlertsContext>>> = {
  Alert: referenceById((id, { loaders }) => loaders.alert.load(id)),
  Event: referenceById(async (id, { loaders }) => {
    const event = await loaders.event.load(id);
    return event && toEventType(event);
  }),
  DetectionRule: referenceById(async (id, { loaders }) => {
    const rule = await loaders.rule.load(id);
    return rule && toDetectionRuleType(rule);
  }),
};
