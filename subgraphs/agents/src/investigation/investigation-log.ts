/** Writes what happens to investigations as domain events, one per version. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { envelopeOf } from '@aurorasoc/kit/domain';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import { LockMode } from '@mikro-orm/core';
import type { Verdict } from '../a2a/contract.js';
import { type AgentsEvents, MAX_TOLD_ENTITIES, MAX_TOLD_VALUE } from '../events.js';
import { Investigation } from './investigation.entity.js';
import type { InvestigationStep } from './investigation-step.entity.js';

export class InvestigationLog {
  constructor(private readonly recorder: EventRecorder<AgentsEvents>) {}

  async requested(em: EntityManager, investigation: Investigation, actor: Actor): Promise<void> {
    await this.recorder.record(em, {
      ...envelopeOf(investigation, actor, investigation.requestedAt),
      type: 'investigation.requested',
      data: factsOf(investigation),
    });
  }

  /** @param step - null when the investigation began to run. */
  async progressed(
    em: EntityManager,
    investigation: Investigation,
    actor: Actor,
    step: InvestigationStep | null,
    now: Date,
  ): Promise<void> {
    investigation.version += 1;
    const data = { ...factsOf(investigation), step: step === null ? null : stepFacts(step) };
    await this.recorder.record(em, {
      ...envelopeOf(investigation, actor, now),
      type: 'investigation.progressed',
      data,
    });
  }

  async completed(em: EntityManager, investigation: Investigation, actor: Actor, now: Date): Promise<void> {
    investigation.version += 1;
    const data = {
      ...factsOf(investigation),
      disposition: investigation.verdict?.disposition ?? null,
      failureCode: investigation.failure?.code ?? null,
      verdict: investigation.verdict === null ? null : digestOf(investigation.verdict),
    };
    await this.recorder.record(em, {
      ...envelopeOf(investigation, actor, now),
      type: 'investigation.completed',
      data,
    });
  }
}

/**
 * The investigation with its row locked. Whoever changes an investigation and its tasks locks the investigation first, so that
 * nobody waits in a circle.
 */
export function lockInvestigation(em: EntityManager, id: string): Promise<Investigation | null> {
  return em.findOne(Investigation, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

function factsOf({ alertId, status }: Investigation) {
  return { alertId, status };
}

function digestOf({ disposition, severity, confidence, summary, techniques, entities }: Verdict) {
  // A value may be cut within a surrogate pair, half of which cannot be stored.
  const told = entities
    .slice(0, MAX_TOLD_ENTITIES)
    .map(({ type, value }) => ({ type, value: value.slice(0, MAX_TOLD_VALUE).replace(/[\ud800-\udbff]$/, '') }));
  return { disposition, severity, confidence, summary, techniques, entities: told };
}

function stepFacts({
  id,
  ordinal,
  agent,
  kind,
  title,
  detail,
  citedEventIds,
  tool,
  toolArguments,
  at,
}: InvestigationStep) {
  return { id, ordinal, agent, kind, title, detail, citedEventIds, tool, toolArguments, at: at.toISOString() };
}
