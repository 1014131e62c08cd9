/** The endpoint specialist by the built-in reasoner: deterministic, equal events give equal assessments. */
import { AuroraError } from '@aurorasoc/kit/errors';
import type { Assessment, InvolvedEntity, TimelineEntry } from '../../a2a/contract.js';
import { AgentFailure, type AgentProgram, type AgentRun } from '../agent-program.js';
import { showText, textOf, timeOf } from '../reasoner/event-fields.js';
import { INDICATORS, isIndicator } from '../reasoner/scoring.js';
import type { AlertWithEvents, StoredEvent } from '../tools/graph-tools.js';
import { collectEvidence, type Evidence, isProcessStart } from './collect-evidence.js';
import { findIndicators, isPublicAddress } from './find-indicators.js';

const ALERT_EVENTS = 50;
/** Of the largest events that are accepted, so many fit into one answer. */
const FEW_ALERT_EVENTS = 5;
const MAX_TIMELINE = 60;
const MAX_ENTITIES = 100;

export const assessEndpoint: AgentProgram = async (run): Promise<Assessment> => {
  run.tellStep({
    kind: 'PLAN',
    title: 'Examine the processes of the alert',
    detail:
      "The alert's events; the processes above and below; what they did; what the same user did on the host ten minutes before and after; how common program and command are within a day.",
  });
  const alert = await readAlert(run);
  if (!alert) throw new AgentFailure('ALERT_NOT_VISIBLE', 'The alert does not exist, or its requester may not see it.');
  const evidence = await collectEvidence(run, alert);
  const findings = findIndicators(evidence);
  for (const { indicator, text, citations } of findings) {
    run.tellStep({
      kind: 'FINDING',
      title: text,
      detail: `Indicator ${indicator}`,
      citedEventIds: [...new Set(citations.map((citation) => citation.eventId))],
    });
  }
  return {
    findings,
    techniques: [
      ...new Set(findings.flatMap(({ indicator }) => (isIndicator(indicator) ? INDICATORS[indicator].techniques : []))),
    ].sort(),
    entities: collectEntities(evidence),
    timeline: buildTimeline(evidence),
    couldNotCheck: [...new Set(evidence.couldNotCheck)],
    isBudgetExhausted: evidence.isBudgetExhausted,
  };
};

/** With fewer events where they are too large together; that not all were examined is then said as ever. */
async function readAlert({ tools, instruction, signal }: AgentRun): Promise<AlertWithEvents | undefined> {
  try {
    return await tools.getAlert(instruction.alertId, ALERT_EVENTS);
  } catch (error) {
    if (signal.aborted || !(error instanceof AuroraError)) throw error;
    return tools.getAlert(instruction.alertId, FEW_ALERT_EVENTS);
  }
}

function ownEvents({ matched, ancestors, descendants, activity }: Evidence): StoredEvent[] {
  const byId = new Map([...matched, ...ancestors, ...descendants, ...activity].map((event) => [event.id, event]));
  return [...byId.values()].sort((a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1));
}

/** The matched events, the starts of processes, and then whatever else there is room for; oldest first. */
function buildTimeline(evidence: Evidence): TimelineEntry[] {
  const matched = new Set(evidence.matched.map((event) => event.id));
  const weightOf = (event: StoredEvent): number => (matched.has(event.id) ? 0 : isProcessStart(event) ? 1 : 2);
  const events = ownEvents(evidence);
  const kept = new Set([...events].sort((a, b) => weightOf(a) - weightOf(b)).slice(0, MAX_TIMELINE));
  return events
    .filter((event) => kept.has(event))
    .map((event) => ({
      at: new Date(timeOf(event)).toISOString(),
      eventId: event.id,
      text: `${describeEvent(event)}${matched.has(event.id) ? ' (matched by the rule)' : ''}`,
    }));
}

/** What happened, with the names out of the event made harmless. */
function describeEvent(event: StoredEvent): string {
  const action = showText(textOf(event, 'event.action') ?? `event ${textOf(event, 'event.code') ?? 'without a code'}`);
  const process = textOf(event, 'process.name');
  const object =
    textOf(event, 'destination.ip') ??
    textOf(event, 'file.path') ??
    textOf(event, 'registry.path') ??
    textOf(event, 'dns.question.name');
  return [
    action,
    process === undefined ? undefined : `by ${showText(process)}`,
    object === undefined ? undefined : `on ${showText(object)}`,
  ]
    .filter((part) => part !== undefined)
    .join(' ');
}

const ENTITY_FIELDS: readonly [InvolvedEntity['type'], string][] = [
  ['HOST', 'host.name'],
  ['USER', 'user.name'],
  ['IP', 'destination.ip'],
  ['FILE', 'file.path'],
  ['PROCESS', 'process.executable'],
];

function collectEntities(evidence: Evidence): InvolvedEntity[] {
  const found = new Map<string, InvolvedEntity>();
  for (const event of ownEvents(evidence)) {
    for (const [type, field] of ENTITY_FIELDS) {
      const value = textOf(event, field);
      const isWanted =
        value !== undefined && value !== '' && value.length <= 2_000 && (type !== 'IP' || isPublicAddress(value));
      if (isWanted && found.size < MAX_ENTITIES) found.set(`${type} ${value}`, { type, value });
    }
  }
  return [...found.values()].sort((a, b) => a.type.localeCompare(b.type) || (a.value < b.value ? -1 : 1));
}
