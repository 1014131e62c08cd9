/** Alerts and steps as lines for a person. Everything that comes from events is escaped. */
import type { AlertChange, AlertFacts, InvestigationOutcome, QueuedAlert } from '../client/operations.js';
import { escapeControls, fitLine } from '../terminal/escape-controls.js';
import type { TailedProgress } from './follow-investigations.js';
import type { TailItem } from './follow-queue.js';

export interface FormatOptions {
  /** Tool calls of investigations have lines, too. @default false */
  readonly isVerbose?: boolean;
}

const TITLE_LENGTH = 160;
const SHORT_TITLE_LENGTH = 40;
/** Ids are UUIDv7, whose beginning is the time and whose end tells them apart. */
const SHORT_ID_LENGTH = 6;
const ENTITY_LENGTH = 80;
const SHOWN_ENTITIES = 3;
const SEVERITY_WIDTH = 'INFORMATIONAL'.length;

/** No line for what needs none. */
export function formatItem(item: TailItem, options: FormatOptions = {}): readonly string[] {
  switch (item.__typename) {
    case 'Alert':
      return formatQueuedAlert(item);
    case 'AlertChange':
      return [formatAlertChange(item)];
    case 'InvestigationProgress':
      return formatProgress(item, options);
    case 'ResyncRequired':
      return [`Changes up to here may be missing (${item.reason}); the queue as it stands:`];
  }
}

/** For example `10:02:03  HIGH           OPENED   Office spawns a shell · WS-07, CORP\m.keller · 3 events · 0199…`. */
export function formatAlertChange({ occurredAt, kind, alert, alertId }: AlertChange): string {
  return formatAlert(occurredAt, kind, alert, alertId);
}

/** The alert, and under it how its investigations ended. */
function formatQueuedAlert(alert: QueuedAlert): readonly string[] {
  const ends = alert.investigations?.map(
    (outcome) => `${headOf(outcome.finishedAt ?? '', alert)}investigation ended: ${describeEnd(outcome)}`,
  );
  return [formatAlert(alert.openedAt, 'OPEN', alert, alert.id), ...(ends ?? [])];
}

function formatAlert(at: string, kind: string, alert: AlertFacts | null, id: string): string {
  const head = `${timeOf(at)}  ${(alert?.severity ?? '').padEnd(SEVERITY_WIDTH)}  ${kind.padEnd(7)}`;
  if (alert === null) return `${head}  (details are not available) · ${id}`;
  const entities = alert.entities.slice(0, SHOWN_ENTITIES).map(({ value }) => fitLine(value, ENTITY_LENGTH));
  const facts = [
    fitLine(alert.title, TITLE_LENGTH),
    ...(entities.length === 0 ? [] : [entities.join(', ')]),
    `${alert.count} event${alert.count === 1 ? '' : 's'}`,
    ...(alert.status === 'NEW' ? [] : [alert.status]),
    id,
  ];
  return `${head}  ${facts.join(' · ')}`;
}

/** For example `10:02:04    Office spawns a shell …9ab3f1 | orchestrator PLAN: …`: several investigations run at a time. */
function formatProgress(progress: TailedProgress, { isVerbose = false }: FormatOptions): readonly string[] {
  const { kind, step, investigation } = progress;
  const head = headOf(progress.occurredAt, progress.alert);
  switch (kind) {
    case 'REQUESTED':
      return [];
    case 'STARTED':
      return [`${head}investigation begins`];
    case 'STEP':
      if (step === null || (step.kind === 'TOOL_CALL' && !isVerbose)) return [];
      return [`${head}${escapeControls(step.agent)} ${step.kind}: ${fitLine(step.title, TITLE_LENGTH)}`];
    case 'ENDED':
      return [
        `${head}investigation ended: ${investigation === null ? '(details are not available)' : describeEnd(investigation)}`,
      ];
  }
}

function headOf(at: string, { id, title }: { readonly id: string; readonly title: string | null }): string {
  return `${timeOf(at)}    ${fitLine(title ?? 'Alert', SHORT_TITLE_LENGTH)} …${id.slice(-SHORT_ID_LENGTH)} | `;
}

function describeEnd({ status, verdict, failure }: InvestigationOutcome): string {
  if (verdict !== null) {
    const { disposition, severity, confidence, summary } = verdict;
    return `${disposition}, ${severity}, confidence ${confidence.toFixed(2)}: ${escapeControls(summary)}`;
  }
  return failure === null ? status : `${status} (${failure.code}): ${escapeControls(failure.message)}`;
}

/** The time of the day, with the day before it when it is not this one. */
function timeOf(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return '--:--:--';
  const time = date.toTimeString().slice(0, 8);
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString('sv')} ${time}`;
}
