/** The live field `investigationProgressed`. */
import { type DomainEvent, readData } from '@aurorasoc/kit/events';
import { changeFacts, type LiveItems, type LiveSource, openLive } from '@aurorasoc/kit/live';
import { agentsEvents, type StepFacts } from '../events.js';
import {
  InvestigationProgress,
  type InvestigationProgressKind,
  type InvestigationStepType,
} from './investigation.type.js';

/** @param after - undefined: from the investigation's first event. */
export function openInvestigationProgress(
  live: LiveSource,
  tenant: string,
  id: string,
  after: string | undefined,
): LiveItems<InvestigationProgress> {
  return openLive(live, { tenant, subject: id, after, toItem: toProgress });
}

export function toProgress(event: DomainEvent, cursor: string): InvestigationProgress | undefined {
  const told = readProgress(event);
  if (!told) return undefined;
  return Object.assign(new InvestigationProgress(), {
    ...changeFacts(event, cursor),
    ...told,
    investigationId: event.subject,
  });
}

type Told = { kind: keyof typeof InvestigationProgressKind; step: InvestigationStepType | null };

function readProgress(event: DomainEvent): Told | undefined {
  switch (event.type) {
    case 'investigation.requested':
      return { kind: 'REQUESTED', step: null };
    case 'investigation.completed':
      return { kind: 'ENDED', step: null };
    case 'investigation.progressed': {
      const { step } = readData(event, agentsEvents['investigation.progressed']);
      return step === null ? { kind: 'STARTED', step: null } : { kind: 'STEP', step: toStepType(step) };
    }
    default:
      return undefined;
  }
}

function toStepType({ at, ...step }: StepFacts): InvestigationStepType {
  return { ...step, at: new Date(at) };
}
