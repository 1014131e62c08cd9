/**
 * One synthetic event, all the way: accepted, stored, detected, told live, investigated. Everything goes through the doors
 * that users have, in a tenant of its own.
 */
import { randomUUID } from 'node:crypto';
import { eventIdOf } from '@aurorasoc/kit/ids';
import { sleep } from '@aurorasoc/kit/lifecycle';
import type { GraphClient } from '../client/index.js';
import {
  type CaughtUp,
  EVENTS_OF_ALERT,
  type EventsOfAlert,
  FIND_EVENTS,
  FOLLOW_INVESTIGATION,
  FOLLOW_PROBED_ALERTS,
  type FoundEvents,
  INVESTIGATE,
  type InvestigateAnswer,
  type InvestigationProgress,
  type ProbedAlertChange,
  type ResyncRequired,
} from '../client/operations.js';
import { postEvents } from '../sending/post-events.js';
import { LiveItems } from './live-items.js';
import { runStage, StageFailure, type StageReport } from './stage.js';

export interface GoldenPathOptions {
  readonly client: GraphClient;
  readonly ingestUrl: string;
  readonly token: string;
  /** Ends the check; the stage that runs then fails. */
  readonly signal: AbortSignal;
  /** Called after each stage. */
  readonly onStage: (report: StageReport) => void;
}

const LOOK_EVERY_MS = 100;

/** @returns the stages up to the first that failed; all of them when the path is whole. */
export async function checkGoldenPath(options: GoldenPathOptions): Promise<readonly StageReport[]> {
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const reports: StageReport[] = [];
  try {
    for (const { stage, suspect, work } of planStages({ ...options, signal })) {
      const report = await runStage({ stage, suspect, signal: options.signal }, work);
      reports.push(report);
      options.onStage(report);
      if (!report.isOk) break;
    }
    return reports;
  } finally {
    left.abort(); // closes the live fields
  }
}

interface Stage {
  readonly stage: string;
  readonly suspect: string;
  readonly work: () => Promise<string>;
}

type AlertItem = ProbedAlertChange | CaughtUp | ResyncRequired;
type InvestigationItem = InvestigationProgress | CaughtUp | ResyncRequired;

/** Each stage's work runs after that of the stages before it, and builds on what they found. */
function planStages({ client, ingestUrl, token, signal }: GoldenPathOptions): readonly Stage[] {
  const host = `aurora-probe-${randomUUID()}`;
  let alerts: LiveItems<AlertItem>;
  let eventId = '';
  let alertId = '';
  return [
    {
      stage: 'follow alerts over WebSocket',
      suspect: 'gateway or alerts',
      work: async () => {
        alerts = new LiveItems((onItem) => client.follow<AlertItem>(FOLLOW_PROBED_ALERTS, {}, { onItem, signal }));
        await alerts.waitFor((item) => item?.__typename === 'CaughtUp');
        return 'caught up';
      },
    },
    {
      stage: 'send a probe event to ingest',
      suspect: 'ingest',
      work: async () => {
        const body = Buffer.from(JSON.stringify(probeEvent(host)));
        const sent = await postEvents({ contentType: 'application/x-ndjson', body }, { ingestUrl, token, signal });
        eventId = eventIdOf(sent.batches[0] ?? '', 0);
        return `accepted as ${eventId}`;
      },
    },
    {
      stage: 'find it among the stored events',
      suspect: 'redis, or the storage worker of alerts',
      work: () => findEvent(client, host, eventId, signal),
    },
    {
      stage: 'see its alert live',
      suspect: 'the detection worker of alerts, or the way from its event table to the gateway',
      work: async () => {
        alertId = await findAlert(client, alerts, eventId);
        return `alert ${alertId}`;
      },
    },
    {
      stage: 'have it investigated',
      suspect: 'agents, or the fleet',
      work: () => investigate(client, alertId, signal),
    },
  ];
}

/** An ECS document that the product's own probe rule matches. */
function probeEvent(host: string): object {
  const now = new Date().toISOString();
  return {
    '@timestamp': now,
    ecs: { version: '9.0.0' },
    event: { kind: 'event', module: 'aurora', dataset: 'aurora.probe', created: now },
    host: { name: host },
    message: 'Synthetic event of `aurora status --check`',
    aurora: { probe: { token: randomUUID() } },
  };
}

async function findEvent(client: GraphClient, host: string, eventId: string, signal: AbortSignal): Promise<string> {
  while (!signal.aborted) {
    const { events } = await client.query<FoundEvents>(FIND_EVENTS, { query: `host.name:"${host}"` });
    if (events.nodes.some(({ id }) => id === eventId)) return 'found';
    if (events.nodes.length > 0) throw new StageFailure(`found under another id than ${eventId}`, 'alerts');
    await sleep(LOOK_EVERY_MS, signal);
  }
  throw new StageFailure('not found');
}

/**
 * The alert of the event, among those that were told. Which events an alert has is asked here and not with the live item: it may
 * be told before the event is stored, for storage and detection do not wait for each other.
 */
async function findAlert(client: GraphClient, alerts: LiveItems<AlertItem>, eventId: string): Promise<string> {
  const others = new Set<string>();
  for (;;) {
    const change = await alerts.waitFor((item) => item.__typename === 'AlertChange' && !others.has(item.alertId));
    const id = change.__typename === 'AlertChange' ? change.alertId : '';
    const { alert } = await client.query<EventsOfAlert>(EVENTS_OF_ALERT, { id });
    if (alert?.events?.nodes.some((event) => event.id === eventId)) return id;
    others.add(id);
  }
}

async function investigate(client: GraphClient, alertId: string, signal: AbortSignal): Promise<string> {
  const { investigate: answer } = await client.query<InvestigateAnswer>(INVESTIGATE, { alertId });
  if (answer.__typename === 'AlertNotFound') throw new StageFailure('the alert is not found, though it was told live');
  if (answer.__typename !== 'Investigation') {
    throw new StageFailure(`${answer.unfinished} investigations are unfinished, so none is started`);
  }
  const { id } = answer;
  const progress = new LiveItems<InvestigationItem>((onItem) =>
    client.follow<InvestigationItem>(FOLLOW_INVESTIGATION, { id }, { onItem, signal }),
  );
  const end = await progress.waitFor((item) => item?.__typename === 'InvestigationProgress' && item.kind === 'ENDED');
  const investigation = end?.__typename === 'InvestigationProgress' ? end.investigation : null;
  if (investigation?.status === 'COMPLETED') return `verdict ${investigation.verdict?.disposition}`;
  const reason = investigation?.failure?.message;
  throw new StageFailure(`ended as ${investigation?.status ?? 'unknown'}${reason === undefined ? '' : `: ${reason}`}`);
}
