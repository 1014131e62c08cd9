/** Runs the tenant's rules over batches of events; alerts and inbox rows commit together. */
import type { Database } from '@aurorasoc/kit/database';
import { type Clock, isUuid, systemClock } from '@aurorasoc/kit/ids';
import type { Logger } from '@aurorasoc/kit/log';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { currentTraceparent, inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import type { Engine } from '@aurorasoc/sigma';
import type { AlertLog } from '../alert/alert-log.js';
import { type EventBatch, readBatch } from '../event/event-batch.js';
import type { RuleBook } from '../rule/rule-book.js';
import { TimeSlices } from '../rule/time-slices.js';
import { raiseAlerts } from './raise-alerts.js';
import { type BatchSignals, mergeGroups, SignalCollector } from './signal-groups.js';

export const DETECTION_GROUP = 'alerts-detection';

/**
 * What was matched is written once there are so many signals, and does not wait for the rest of the run: all of a run would be
 * more than may lie in memory, or be written in one transaction.
 */
const SIGNALS_PER_TRANSACTION = 5_000;

export interface LeftOutCounts {
  /** Signals that raise nothing, since an event or a batch has more than may. */
  readonly signals: (count: number) => void;
  /** Events of which a rule saw a part only. */
  readonly truncatedEvents: (count: number) => void;
}

export interface DetectionOptions {
  readonly database: Database;
  readonly rules: RuleBook;
  readonly alertLog: AlertLog;
  readonly log: Logger;
  /** Told of what was left out, once it is so for good. */
  readonly count: LeftOutCounts;
  /** @default the system's */
  readonly clock?: Clock;
}

/**
 * The stream handler of the detection worker. Events are matched before the transaction is opened: with many rules that takes
 * long, and locks and a connection are held by those who write.
 */
export function detectInBatches(options: DetectionOptions): (entries: readonly StreamEntry[]) => Promise<void> {
  const { database, alertLog, clock = systemClock } = options;
  return async (entries) => {
    for await (const signals of matchEntries(options, entries)) {
      let handled: readonly StreamEntry[] = [];
      const raise = handleOnce(database, DETECTION_GROUP, async (em, fresh) => {
        handled = fresh;
        const groups = mergeGroups(fresh.flatMap((entry) => signals.get(entry) ?? []));
        const [first] = fresh;
        if (first && groups.length > 0) await raiseAlerts(em, alertLog, first.tenant, groups, clock());
      });
      await raise([...signals.keys()]);
      for (const entry of handled) tellLeftOut(options, entry, signals.get(entry));
    }
  };
}

/**
 * The entries in parts for one transaction each, with their signals. Entries that were handled before are among them; those are
 * few, and come after a fault.
 */
async function* matchEntries(
  options: DetectionOptions,
  entries: readonly StreamEntry[],
): AsyncGenerator<ReadonlyMap<StreamEntry, BatchSignals | undefined>> {
  const tenant = entries[0]?.tenant ?? '';
  // Whose entries nobody can tell is refused where it is entered into the inbox.
  if (!isUuid(tenant)) return yield new Map(entries.map((entry) => [entry, undefined]));
  const engine = await options.rules.engineFor(options.database, tenant);
  const slices = await TimeSlices.begin();
  let part = new Map<StreamEntry, BatchSignals>();
  let count = 0;
  for (const [index, entry] of entries.entries()) {
    const signals = await matchBatch(engine, readBatch(entry), slices);
    part.set(entry, signals);
    count += signals.count;
    if (count < SIGNALS_PER_TRANSACTION && index < entries.length - 1) {
      await slices.pause();
      continue;
    }
    yield part;
    part = new Map();
    count = 0;
  }
}

function matchBatch(
  engine: Engine,
  { traceparent: parent, events }: EventBatch,
  slices: TimeSlices,
): Promise<BatchSignals> {
  const attributes = { 'messaging.batch.message_count': events.length };
  return inSpan('detect batch', { kind: SpanKind.CONSUMER, parent, attributes }, async () => {
    const signals = new SignalCollector(currentTraceparent());
    for (const event of events) {
      signals.add(event, await slices.take(engine.evaluateInSteps(event.document)));
    }
    return signals.finish();
  });
}

function tellLeftOut({ log, count }: DetectionOptions, entry: StreamEntry, signals: BatchSignals | undefined): void {
  const { leftOut = 0, truncatedEvents = 0 } = signals ?? {};
  if (leftOut === 0 && truncatedEvents === 0) return;
  count.signals(leftOut);
  count.truncatedEvents(truncatedEvents);
  log.warn(
    { tenant: entry.tenant, batchId: entry.messageId, raised: signals?.count, leftOut, truncatedEvents },
    'A batch has more signals than may raise alerts, of which the most severe do, or events too long to be compared to their ends',
  );
}
