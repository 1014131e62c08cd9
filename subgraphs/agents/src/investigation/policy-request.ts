/** What the policy asks for: an investigation by a service, at once or when there is room. */
import { AGENT_SCOPES } from '../agent/agent-registry.js';
import type { InvestigationRequest } from './start-investigation.js';
import type { PostponedAlert } from './waiting-line.js';

/** Also the name of its requests' author. */
export const POLICY_GROUP = 'agents-investigation-policy';

export function policyRequest(tenant: string, { alertId, traceparent }: PostponedAlert): InvestigationRequest {
  return {
    tenant,
    alertId,
    question: null,
    requester: { kind: 'service', id: POLICY_GROUP },
    requesterScopes: AGENT_SCOPES,
    alertTraceparent: traceparent ?? undefined,
    now: new Date(),
  };
}
