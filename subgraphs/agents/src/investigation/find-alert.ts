/** Whether there is an alert to investigate: the alerts domain's to say, so the graph is asked, in the requester's place. */
import { hasScope, type Principal } from '@aurorasoc/kit/auth';
import { describeError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import { z } from 'zod';
import type { GraphClient } from '../graph/graph-client.js';
import type { AgentTokens } from '../task/agent-tokens.js';

export interface FindAlertServices {
  readonly graph: GraphClient;
  readonly tokens: AgentTokens;
  readonly log: Logger;
}

export type AlertVisibility = 'visible' | 'none' | 'unknown';

/** Whoever requests an investigation waits for this; the gateway gives the whole request 10 s. */
const TIMEOUT_MS = 4_000;
const answerSchema = z.object({ alert: z.object({ id: z.string() }).nullable() });

/**
 * @returns `none` also to a requester who may not read alerts, whether there is one or not; `unknown` when the graph could not
 * be asked, as while the alerts domain is away.
 */
export async function findAlert(
  { graph, tokens, log }: FindAlertServices,
  requester: Principal,
  alertId: string,
): Promise<AlertVisibility> {
  if (!hasScope(requester, 'alerts:read')) return 'none';
  try {
    const { alert } = await graph.query(answerSchema, {
      document: 'query InvestigatedAlert($id: ID!) { alert(id: $id) { id } }',
      variables: { id: alertId },
      token: await tokens.forRequester(requester),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return alert ? 'visible' : 'none';
  } catch (error) {
    log.warn({ alertId, error: describeError(error) }, 'Whether the alert exists is left to the investigation');
    return 'unknown';
  }
}
