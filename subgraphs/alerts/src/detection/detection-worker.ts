/** Runs the tenant's rules over batches of events; alerts and inbox rows commit together. */
import type { Database } from '@aurorasoc/kit/database';
import { type Clock, systemClock } from '@aurorasoc/kit/ids';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { currentTraceparent, inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import type { Engine } from '@aurorasoc/sigma';
import type { AlertLog } from '../alert/alert-log.js';
import { type EventBatch, readBatch } from '../event/event-batch.js';
import type { RuleBook } from '../rule/rule-book.js';
import { raiseAlerts } from './raise-alerts.js';
import type { Signal } from './signals.js';

export const DETECTION_GROUP = 'alerts-detection';

/** The stream handler of the detection worker. */
export function detectInBatches(
  database: Database,
  rules: RuleBook,
  log: AlertLog,
  clock: Clock = systemClock,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return handleOnce(database, DETECTION_GROUP, async (em, fresh) => {
    const [first] = fresh;
    if (!first) return;
    const engine = await rules.engineFor(em, first.tenant);
    const signals: Signal[] = [];
    for (const entry of fresh) signals.push(...(await matchBatch(engine, readBatch(entry))));
    if (signals.length > 0) await raiseAlerts(em, log, first.tenant, signals, clock());
  });
}

function matchBatch(engine: Engine, { traceparent: parent, events }: EventBatch): Promise<Signal[]> {
  const attributes = { 'messaging.batch.message_count': events.length };
  return inSpan('detect batch', { kind: SpanKind.CONSUMER, parent, attributes }, async () => {
    const traceparent = currentTraceparent();
    return events.flatMap((event) => engine.match(event.document).map((rule) => ({ rule, event, traceparent })));
  });
}
