/** Puts a specialist to work for a running investigation. Idempotent: a second request under one key gets the first task. */
import type { Principal } from '@aurorasoc/kit/auth';
import type { Database } from '@aurorasoc/kit/database';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { findAgent } from '../agent/agent-registry.js';
import type { AgentsEvents } from '../events.js';
import type { Investigation } from '../investigation/investigation.entity.js';
import { lockInvestigation } from '../investigation/investigation-log.js';
import { requestTask } from './request-task.js';
import { AgentTask } from './task.entity.js';

export interface Delegation {
  readonly investigationId: string;
  readonly key: string;
  readonly agent: string;
  readonly instruction: string | null;
}

export type DelegateOutcome =
  | { kind: 'task'; task: AgentTask }
  | { kind: 'missing' }
  | { kind: 'finished'; investigation: Investigation };

/** Agent to agent at most three deep; specialists hold no scope to delegate, so today it is one. */
const MAX_TASKS_PER_INVESTIGATION = 20;
const KEY = /^[\w.:-]{1,100}$/;

/** @throws AuroraError `BAD_USER_INPUT` naming the field; `FORBIDDEN` when the token was made for another investigation. */
export async function delegateTask(
  database: Database,
  recorder: EventRecorder<AgentsEvents>,
  principal: Principal,
  delegation: Delegation,
): Promise<DelegateOutcome> {
  const agent = findAgent(delegation.agent);
  if (agent?.lane !== 'specialist')
    throw badUserInput('input.agent', 'No specialist has this name; the query `agents` lists them');
  if (!KEY.test(delegation.key)) throw badUserInput('input.key', 'A key has 1 to 100 letters, digits and . : - _');
  return database.inTenant(principal.tenant, async (em) => {
    const investigation = await lockInvestigation(em, delegation.investigationId);
    if (!investigation) return { kind: 'missing' };
    assertOwn(principal, investigation);
    const recorded = await em.findOne(AgentTask, { investigationId: investigation.id, key: delegation.key });
    if (recorded && recorded.agent !== agent.name)
      throw badUserInput('input.key', `This key names a task of the agent ${recorded.agent}`);
    if (recorded) return { kind: 'task', task: recorded };
    if (!investigation.isUnfinished) return { kind: 'finished', investigation };
    const count = await em.count(AgentTask, { investigationId: investigation.id });
    if (count >= MAX_TASKS_PER_INVESTIGATION)
      throw new AuroraError({
        code: 'RATE_LIMITED',
        publicMessage: `An investigation has at most ${MAX_TASKS_PER_INVESTIGATION} tasks`,
      });
    const task = await requestTask(em, recorder, {
      tenant: principal.tenant,
      investigationId: investigation.id,
      key: delegation.key,
      agent: agent.name,
      // The alert is the investigation's own: no agent can point a specialist at another one.
      instruction: { alertId: investigation.alertId, question: delegation.instruction },
      actor: { kind: 'agent', id: 'orchestrator' },
      now: new Date(),
    });
    return { kind: 'task', task };
  });
}

/** The scope alone says "some investigation"; the token names the one that it was made for. */
function assertOwn(principal: Principal, investigation: Investigation): void {
  const isOwn = principal.investigation === investigation.id && principal.subject === investigation.requesterId;
  if (principal.actor === 'agent:orchestrator' && isOwn) return;
  throw new AuroraError({
    code: 'FORBIDDEN',
    publicMessage: 'Only the orchestrator of this investigation delegates its tasks',
  });
}
