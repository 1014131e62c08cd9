/** Runs the tenant's rules over each batch of events; alerts and inbox row commit together. */
import type { Database } from '@aurorasoc/kit/database';
import { type Clock, systemClock } from '@aurorasoc/kit/ids';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import type { AlertLog } from '../alert/alert-log.js';
import { readBatch } from '../event/event-batch.js';
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
    for (const entry of fresh) {
      const batch = readBatch(entry);
      const engine = await rules.engineFor(em, batch.tenant);
      await inSpan(
        'detect batch',
        {
          kind: SpanKind.CONSUMER,
          parent: batch.traceparent,
          attributes: { 'messaging.batch.message_count': batch.events.length },
        },
        async () => {
          const signals: Signal[] = batch.events.flatMap((event) =>
            engine.match(event.document).map((rule) => ({ rule, event })),
          );
          if (signals.length > 0) await raiseAlerts(em, log, batch.tenant, signals, clock());
        },
      );
    }
  });
}
