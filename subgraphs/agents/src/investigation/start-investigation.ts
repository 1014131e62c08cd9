/** Starts an investigation of an alert, or finds the one that is not finished yet. */
import { actorOf, type Principal, type Scope } from '@aurorasoc/kit/auth';
import type { EntityManager } from '@aurorasoc/kit/database';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import { newId } from '@aurorasoc/kit/ids';
import { currentTraceparent, inSpan } from '@aurorasoc/kit/telemetry';
import type { AgentsEvents } from '../events.js';
import { requestTask } from '../task/request-task.js';
import { Investigation, type Mode } from './investigation.entity.js';
import type { InvestigationLog } from './investigation-log.js';
import { lockStarts } from './start-lock.js';
import { leaveLine } from './waiting-line.js';

export interface StartServices {
  readonly recorder: EventRecorder<AgentsEvents>;
  readonly investigationLog: InvestigationLog;
  readonly mode: Mode;
}

export interface InvestigationRequest {
  readonly tenant: string;
  readonly alertId: string;
  readonly question: string | null;
  readonly requester: Actor;
  readonly requesterScopes: readonly Scope[];
  /** The span that opened the alert, where the caller knows it. */
  readonly alertTraceparent?: string | undefined;
  readonly now: Date;
}

export type StartOutcome =
  | { kind: 'started' | 'running'; investigation: Investigation }
  | { kind: 'limit'; unfinished: number };

/** A tenant cannot fill the queue without bounds: beyond this many unfinished investigations no more are started. */
export const MAX_UNFINISHED = 100;

export function requesterOf(
  principal: Principal,
): Pick<InvestigationRequest, 'tenant' | 'requester' | 'requesterScopes'> {
  return {
    tenant: principal.tenant,
    requester: actorOf(principal),
    requesterScopes: principal.scopes,
  };
}

/**
 * Investigation, its first task and both events commit with the open transaction. The investigation has a trace of its own,
 * linked to the span that asked for it and to the one that opened the alert: it outlives both.
 */
export function startInvestigation(
  em: EntityManager,
  services: StartServices,
  request: InvestigationRequest,
): Promise<StartOutcome> {
  const links = [request.alertTraceparent, currentTraceparent()];
  return inSpan(
    'start investigation',
    { root: true, links, attributes: { 'aurora.alert.id': request.alertId } },
    async () => {
      // The second of two requests at one moment waits here for the first one's commit. A violated unique index, which is there
      // as well, would end the caller's whole transaction.
      await lockStarts(em, request.tenant);
      const running = await findUnfinished(em, request);
      if (running) return { kind: 'running', investigation: running };
      const unfinished = await countUnfinished(em, request.tenant);
      if (unfinished >= MAX_UNFINISHED) return { kind: 'limit', unfinished };
      // Whoever starts it, the alert has what it waited for.
      await leaveLine(em, request.tenant, request.alertId);
      return { kind: 'started', investigation: await createInvestigation(em, services, request) };
    },
  );
}

export function countUnfinished(em: EntityManager, tenant: string): Promise<number> {
  return em.count(Investigation, { tenant, status: { $in: ['PENDING', 'RUNNING'] } });
}

function findUnfinished(em: EntityManager, { tenant, alertId }: InvestigationRequest): Promise<Investigation | null> {
  return em.findOne(Investigation, { tenant, alertId, status: { $in: ['PENDING', 'RUNNING'] } });
}

async function createInvestigation(
  em: EntityManager,
  { recorder, investigationLog, mode }: StartServices,
  request: InvestigationRequest,
): Promise<Investigation> {
  const { tenant, alertId, question, requester, requesterScopes, now } = request;
  const id = newId();
  const investigation = new Investigation({
    id,
    tenant,
    alertId,
    question,
    mode,
    requester,
    requesterScopes,
    requestedAt: now,
    alertTraceparent: request.alertTraceparent ?? null,
    traceparent: currentTraceparent() ?? null,
  });
  em.persist(investigation);
  await investigationLog.requested(em, investigation, requester);
  await requestTask(em, recorder, {
    tenant,
    investigationId: id,
    key: 'orchestrator',
    agent: 'orchestrator',
    instruction: { alertId, question },
    actor: requester,
    now,
  });
  return investigation;
}
