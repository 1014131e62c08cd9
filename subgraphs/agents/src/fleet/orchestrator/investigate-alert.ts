/** The orchestrator by the built-in reasoner: plan, put the specialist to work, check what it says, conclude. */
import { type Assessment, assessmentSchema, toShortText, type Verdict } from '../../a2a/contract.js';
import { AgentFailure, type AgentProgram, type AgentRun } from '../agent-program.js';
import type { PendingResults } from '../pending-results.js';
import { conclude } from './conclude.js';

/** The orchestrator keeps this much of its time for the conclusion when a specialist does not come back. */
const SPECIALIST_WAIT_MS = 180_000;
const ALERT_EVENTS = 3;

/** @param waitMs - longest wait for the specialist. @default 180 000 */
export function investigateAlert(results: PendingResults, waitMs = SPECIALIST_WAIT_MS): AgentProgram {
  return async (run): Promise<Verdict> => {
    run.tellStep({
      kind: 'PLAN',
      title: 'Investigate the alert',
      detail:
        '1. Read the alert. 2. Have the endpoint specialist examine its events. 3. Weigh what was found and conclude.',
    });
    const alert = await run.tools.getAlert(run.instruction.alertId, ALERT_EVENTS);
    if (!alert)
      throw new AgentFailure('ALERT_NOT_VISIBLE', 'The alert does not exist, or its requester may not see it.');
    const assessment = await assess(run, results, waitMs);
    const verdict = conclude(alert, assessment);
    const cited = verdict.claims.flatMap((claim) => claim.citations.map((citation) => citation.eventId));
    run.tellStep({
      kind: 'VERDICT',
      title: `${verdict.disposition}, confidence ${verdict.confidence}`,
      detail: verdict.summary,
      citedEventIds: [...new Set(cited)],
    });
    return verdict;
  };
}

/** What the specialist found; when it fails, nothing, and the verdict says so. */
async function assess(run: AgentRun, results: PendingResults, waitMs: number): Promise<Assessment> {
  const { investigationId } = run.order;
  const taskId = await run.tools.delegateTask({
    investigationId,
    key: 'endpoint',
    agent: 'endpoint',
    instruction: run.instruction.question,
  });
  const limit = AbortSignal.timeout(waitMs);
  try {
    const task = await results.wait(taskId, () => run.tools.readTask(taskId), AbortSignal.any([run.signal, limit]));
    const assessment = assessmentSchema.safeParse(task.result);
    if (assessment.success) return assessment.data;
    return withoutAssessment(
      `The endpoint specialist did not come to a result: ${task.failure?.message ?? `its task is ${task.status}`}`,
      task.failure?.code === 'BUDGET_EXHAUSTED',
    );
  } catch (error) {
    if (run.signal.aborted || !limit.aborted) throw error;
    return withoutAssessment(`The endpoint specialist did not answer within ${waitMs / 1000} s.`, true);
  }
}

function withoutAssessment(reason: string, isBudgetExhausted: boolean): Assessment {
  return {
    findings: [],
    techniques: [],
    entities: [],
    timeline: [],
    couldNotCheck: [toShortText(reason)],
    isBudgetExhausted,
  };
}
