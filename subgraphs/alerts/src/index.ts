/** The domain `alerts`: ingested events, detection rules, and the alerts that rules open. */
import { fileURLToPath } from 'node:url';
import { type DomainDefinition, domainProgram } from '@aurorasoc/kit/domain';
import { tellDiscarded } from '@aurorasoc/kit/erasure';
import { EventRecorder } from '@aurorasoc/kit/events';
import { findHandled } from '@aurorasoc/kit/streams';
import { Counter, type Registry } from 'prom-client';
import { Alert } from './alert/alert.entity.js';
import { AlertLog } from './alert/alert-log.js';
import type { AlertsContext, AlertsServices } from './context.js';
import { DETECTION_GROUP, detectInBatches, type LeftOutCounts } from './detection/detection-worker.js';
import { DETECTION } from './detection/raise-alerts.js';
import { type AlertsEnvironment, readAlertsEnvironment } from './environment.js';
import { ingestStreams } from './event/event-batch.js';
import { PostgresEventReader } from './event/postgres-event-reader.js';
import { ACKNOWLEDGEMENTS, alertsEvents, EVENT_READERS } from './events.js';
import { migrations } from './migrations.js';
import { DetectionRuleRow } from './rule/detection-rule.entity.js';
import { RuleBook, readBuiltInRules } from './rule/rule-book.js';
import { keepReceiptsFew } from './storage/remove-old-receipts.js';
import { STORAGE_ACTOR, STORAGE_GROUP, storeBatches } from './storage/storage-worker.js';

const BUILT_IN_RULES = fileURLToPath(new URL('../rules', import.meta.url));

function defineAlerts(environment: AlertsEnvironment): DomainDefinition<AlertsServices, AlertsContext> {
  return {
    domain: 'alerts',
    entities: [Alert, DetectionRuleRow],
    migrations,
    routes: { 'batch.stored': ACKNOWLEDGEMENTS, 'batch.discarded': ACKNOWLEDGEMENTS },
    readers: EVENT_READERS,
    buildSchema: async () => (await import('./schema.js')).buildAlertsSchema(),
    createServices: (runtime) => {
      const recorder = new EventRecorder('alerts', environment.AURORA_SITE, alertsEvents);
      return {
        runtime,
        rules: new RuleBook(readBuiltInRules(BUILT_IN_RULES), runtime.log),
        events: new PostgresEventReader(runtime.database),
        recorder,
        alertLog: new AlertLog(recorder, DETECTION),
      };
    },
    createContext: async (services) => (await import('./context.js')).createContext(services),
    startWorkers: async ({ recorder, rules, alertLog }, runtime) => {
      const streams = ingestStreams(environment.INGEST_PARTITIONS);
      const store = await runtime.openDatabase('store', []);
      runtime.consume({
        streams,
        group: STORAGE_GROUP,
        handle: storeBatches(store, recorder),
        discard: tellDiscarded(store, recorder, 'batch.discarded', STORAGE_ACTOR),
        trimForGroups: [STORAGE_GROUP, DETECTION_GROUP],
      });
      keepReceiptsFew(store, runtime);
      const { database, log, health } = runtime;
      runtime.consume({
        streams,
        group: DETECTION_GROUP,
        findHandled: findHandled(database, DETECTION_GROUP),
        handle: detectInBatches({ database, rules, alertLog, log, count: leftOutCounters(health.metrics) }),
      });
    },
  };
}

function leftOutCounters(registry: Registry): LeftOutCounts {
  const registers = [registry];
  const signals = new Counter({
    name: 'aurora_alerts_signals_left_out_total',
    help: 'Signals that raised nothing, since an event or a batch had more than may',
    registers,
  });
  const truncatedEvents = new Counter({
    name: 'aurora_alerts_truncated_events_total',
    help: 'Events of which a rule saw a part only, since they are longer than is compared',
    registers,
  });
  return { signals: (count) => signals.inc(count), truncatedEvents: (count) => truncatedEvents.inc(count) };
}

/** The role `alerts`. */
export const runAlerts = domainProgram(readAlertsEnvironment, defineAlerts);
