/** Alerts and steps as lines for a person. Everything that comes from events is escaped. */
import type { AlertChange, InvestigationProgress } from '../client/operations.js';
import { escapeControls, fitLine } from '../terminal/escape-controls.js';

const TITLE_LENGTH = 160;
const ENTITY_LENGTH = 80;
const SHOWN_ENTITIES = 3;
const SEVERITY_WIDTH = 'INFORMATIONAL'.length;

/** For example `10:02:03  HIGH           OPENED   Office spawns a shell · WS-07, CORP\m.keller · 3 events · 0199…`. */
export function formatAlertChange({ occurredAt, kind, alert, alertId }: AlertChange): string {
  const head = `${timeOf(occurredAt)}  ${(alert?.severity ?? '').padEnd(SEVERITY_WIDTH)}  ${kind.padEnd(7)}`;
  if (alert === null) return `${head}  (details are not available) · ${alertId}`;
  const entities = alert.entities.slice(0, SHOWN_ENTITIES).map(({ value }) => fitLine(value, ENTITY_LENGTH));
  const facts = [
    fitLine(alert.title, TITLE_LENGTH),
    ...(entities.length === 0 ? [] : [entities.join(', ')]),
    `${alert.count} event${alert.count === 1 ? '' : 's'}`,
    ...(alert.status === 'NEW' ? [] : [alert.status]),
    alertId,
  ];
  return `${head}  ${facts.join(' · ')}`;
}

/** Undefined for what needs no line of its own. */
export function formatProgress({
  occurredAt,
  kind,
  step,
  investigation,
  investigationId,
}: InvestigationProgress): string | undefined {
  const head = `${timeOf(occurredAt)}    `;
  switch (kind) {
    case 'REQUESTED':
      return undefined;
    case 'STARTED':
      return `${head}investigation ${investigationId} begins`;
    case 'STEP':
      return step === null
        ? undefined
        : `${head}${escapeControls(step.agent)} ${step.kind}: ${fitLine(step.title, TITLE_LENGTH)}`;
    case 'ENDED':
      return `${head}investigation ${investigationId} ended: ${describeEnd(investigation)}`;
  }
}

function describeEnd(investigation: InvestigationProgress['investigation']): string {
  if (investigation === null) return '(details are not available)';
  const { status, verdict, failure } = investigation;
  if (verdict !== null) {
    const { disposition, severity, confidence, summary } = verdict;
    return `${disposition}, ${severity}, confidence ${confidence.toFixed(2)}: ${escapeControls(summary)}`;
  }
  return failure === null ? status : `${status} (${failure.code}): ${escapeControls(failure.message)}`;
}

function timeOf(moment: string): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? '--:--:--' : date.toTimeString().slice(0, 8);
}
