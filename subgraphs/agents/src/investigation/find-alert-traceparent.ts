/** The span that opened an alert, asked of the graph: who investigates by hand knows the alert's id only. */
import { describeError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import { z } from 'zod';
import type { GraphClient } from '../graph/graph-client.js';
import type { AgentTokens } from '../task/agent-tokens.js';
import type { Claim } from '../task/claim-task.js';

const answerSchema = z.object({ alert: z.object({ traceparent: z.string().nullish() }).nullable() });

/** @returns undefined where it is unknown: an investigation is not delayed for the sake of its trace. */
export async function findAlertTraceparent(
  services: { graph: GraphClient; tokens: AgentTokens; log: Logger },
  claim: Claim,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { gateway } = await services.tokens.forTask(claim);
    const document = 'query AlertTrace($id: ID!) { alert(id: $id) { traceparent } }';
    const { alert } = await services.graph.query(answerSchema, {
      document,
      variables: { id: claim.instruction.alertId },
      token: gateway,
      signal,
    });
    return alert?.traceparent ?? undefined;
  } catch (error) {
    services.log.debug(
      { investigationId: claim.investigationId, error: describeError(error) },
      'The trace of the alert is not known',
    );
    return undefined;
  }
}
