/** Runs the tenant's rules over batches of events; alerts and inbox rows commit together. */
import type { Database } from '@aurorasoc/kit/database';
import { type Clock, isUuid, systemClock } from '@aurorasoc/kit/ids';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { currentTraceparent, inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import type { Engine } from '@aurorasoc/sigma';
import type { AlertLog } from '../alert/alert-log.js';
import { type EventBatch, readBatch } from '../event/event-batch.js';
import type { RuleBook } from '../rule/rule-book.js';
import { TimeSlices } from '../rule/time-slices.js';
import { raiseAlerts } from './raise-alerts.js';
import type { Signal } from './signals.js';

export const DETECTION_GROUP = 'alerts-detection';

/**
 * The stream handler of the detection worker. Events are matched before the transaction is opened: with many rules that takes
 * long, and locks and a connection are held by those who write.
 */
export function detectInBatches(
  database: Database,
  rules: RuleBook,
  log: AlertLog,
  clock: Clock = systemClock,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return async (entries) => {
    const signals = await matchEntries(database, rules, entries);
    const raise = handleOnce(database, DETECTION_GROUP, async (em, fresh) => {
      const found = fresh.flatMap((entry) => signals.get(entry) ?? []);
      const [first] = fresh;
      if (first && found.length > 0) await raiseAlerts(em, log, first.tenant, found, clock());
    });
    await raise(entries);
  };
}

/** Entries that were handled before are among them; those are few, and come after a fault. */
async function matchEntries(
  database: Database,
  rules: RuleBook,
  entries: readonly StreamEntry[],
): Promise<Map<StreamEntry, readonly Signal[]>> {
  const signals = new Map<StreamEntry, readonly Signal[]>();
  const tenant = entries[0]?.tenant ?? '';
  // Whose entries nobody can tell is refused where it is entered into the inbox.
  if (!isUuid(tenant)) return signals;
  const engine = await rules.engineFor(database, tenant);
  const slices = await TimeSlices.begin();
  for (const entry of entries) {
    signals.set(entry, await matchBatch(engine, readBatch(entry), slices));
    await slices.pause();
  }
  return signals;
}

function matchBatch(
  engine: Engine,
  { traceparent: parent, events }: EventBatch,
  slices: TimeSlices,
): Promise<Signal[]> {
  const attributes = { 'messaging.batch.message_count': events.length };
  return inSpan('detect batch', { kind: SpanKind.CONSUMER, parent, attributes }, async () => {
    const traceparent = currentTraceparent();
    const signals: Signal[] = [];
    for (const event of events) {
      const { rules } = await slices.take(engine.evaluateInSteps(event.document));
      for (const rule of rules) signals.push({ rule, event, traceparent });
    }
    return signals;
  });
}
