/** One claimed task from dispatch to outcome. */
import type { Logger } from '@aurorasoc/kit/log';
import { z } from 'zod';
import { RESULT_SCHEMAS, verdictSchema } from '../a2a/contract.js';
import type { AgentName } from '../agent/agent-registry.js';
import type { GraphClient } from '../graph/graph-client.js';
import { recordStep } from '../investigation/record-step.js';
import { checkVerdict } from '../verdict/check-citations.js';
import { findDocuments } from '../verdict/find-documents.js';
import type { AgentTokens } from './agent-tokens.js';
import { type Claim, markAgentBack } from './claim-task.js';
import { type AgentAnswer, type AgentDispatcher, AgentTimeoutError } from './dispatch-agent.js';
import type { TaskOutcome } from './end-task.js';
import type { FinishServices } from './finish-task.js';
import type { TaskMetrics } from './task-metrics.js';

export interface RunServices extends FinishServices {
  readonly dispatcher: Pick<AgentDispatcher, 'dispatch'>;
  readonly tokens: AgentTokens;
  readonly graph: GraphClient;
  readonly metrics: TaskMetrics;
  readonly log: Logger;
}

/** An agent that answers with garbage is asked once more. */
const MAX_ANSWERS = 2;

/**
 * What the agent came to, checked.
 *
 * @throws AgentUnavailableError and TransientError when the task should be tried again later; StaleClaimError when it is
 * somebody else's by now; the signal's reason.
 */
export async function runTask(services: RunServices, claim: Claim, signal: AbortSignal): Promise<TaskOutcome> {
  let reason = '';
  for (let answers = 0; answers < MAX_ANSWERS; answers++) {
    const answer = await ask(services, claim, messageIdOf(claim, answers + 1), signal);
    if (answer.kind === 'failure') return { status: 'FAILED', failure: answer.failure };
    const result = readResult(claim.agent, answer);
    if (result.kind === 'valid')
      return {
        status: 'COMPLETED',
        result: claim.agent === 'orchestrator' ? await checked(services, claim, result.data, signal) : result.data,
      };
    reason = result.reason;
    await services.database.inTenant(claim.tenant, (em) => markAgentBack(em, claim));
    services.metrics.outputsInvalid.inc({ agent: claim.agent });
    services.log.warn({ taskId: claim.taskId, agent: claim.agent, reason }, 'Agent gave an answer that does not fit');
  }
  return {
    status: 'FAILED',
    failure: {
      code: 'AGENT_OUTPUT_INVALID',
      message: `The agent ${claim.agent} answered ${MAX_ANSWERS} times in a way that cannot be used.`,
    },
  };
}

/** @param asked - 1 for the task's order, 2 for the question again after garbage, which would only be repeated to a repeat. */
function messageIdOf({ taskId }: Claim, asked: number): string {
  return asked === 1 ? taskId : `${taskId}.${asked}`;
}

async function ask(services: RunServices, claim: Claim, messageId: string, signal: AbortSignal): Promise<AgentAnswer> {
  const { database, investigationLog, dispatcher, tokens } = services;
  const { taskId, investigationId, fence, instruction } = claim;
  try {
    return await dispatcher.dispatch({
      agent: claim.agent,
      order: { taskId, investigationId, fence, instruction },
      messageId,
      signTokens: () => tokens.forTask(claim),
      signal,
      onStep: async (report) => {
        await recordStep(database, investigationLog, claim, report);
      },
    });
  } catch (error) {
    if (error instanceof AgentTimeoutError)
      return { kind: 'failure', failure: { code: error.code, message: error.publicMessage } };
    throw error;
  }
}

type ReadResult = { kind: 'valid'; data: Record<string, unknown> } | { kind: 'invalid'; reason: string };

function readResult(agent: AgentName, answer: Exclude<AgentAnswer, { kind: 'failure' }>): ReadResult {
  if (answer.kind === 'garbage') return { kind: 'invalid', reason: answer.reason };
  const parsed = RESULT_SCHEMAS[agent].safeParse(answer.data);
  return parsed.success
    ? { kind: 'valid', data: parsed.data }
    : { kind: 'invalid', reason: z.prettifyError(parsed.error) };
}

/** The verdict with the claims that the stored events show: asked of the graph with the investigation's own token. */
async function checked(
  { graph, metrics, tokens }: RunServices,
  claim: Claim,
  result: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { gateway } = await tokens.forTask(claim);
  const { verdict, dropped } = await checkVerdict(verdictSchema.parse(result), (ids) =>
    findDocuments(graph, gateway, ids, signal),
  );
  if (dropped > 0) metrics.droppedClaims.inc(dropped);
  return verdict;
}
