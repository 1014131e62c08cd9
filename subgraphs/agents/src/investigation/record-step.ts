/** Adds a step to an investigation: row and event commit together, and only under the task's current fence. */
import type { Database } from '@aurorasoc/kit/database';
import { newId } from '@aurorasoc/kit/ids';
import type { StepReport } from '../a2a/contract.js';
import { type Claim, isCurrentClaim, markAgentBack, StaleClaimError } from '../task/claim-task.js';
import { type InvestigationLog, lockInvestigation } from './investigation-log.js';
import { InvestigationStep } from './investigation-step.entity.js';

/**
 * @returns undefined when the task told this step before: it was dispatched again, and agents tell their steps anew.
 * @throws StaleClaimError when the task has another holder by now, or the investigation has ended.
 */
export async function recordStep(
  database: Database,
  log: InvestigationLog,
  claim: Claim,
  report: StepReport,
): Promise<InvestigationStep | undefined> {
  return database.inTenant(claim.tenant, async (em) => {
    const investigation = await lockInvestigation(em, claim.investigationId);
    if (!investigation?.isUnfinished || !(await isCurrentClaim(em, claim))) throw new StaleClaimError(claim);
    await markAgentBack(em, claim);
    if ((await em.count(InvestigationStep, { taskId: claim.taskId, taskOrdinal: report.ordinal })) > 0)
      return undefined;
    const now = new Date();
    investigation.stepCount += 1;
    const step = new InvestigationStep({
      id: newId(),
      tenant: claim.tenant,
      investigationId: investigation.id,
      ordinal: investigation.stepCount,
      taskId: claim.taskId,
      agent: claim.agent,
      report,
      at: now,
    });
    em.persist(step);
    await log.progressed(em, investigation, { kind: 'agent', id: claim.agent }, step, now);
    return step;
  });
}
