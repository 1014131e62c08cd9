/** What the resolvers of one operation share: the caller, and loaders that see the caller's tenant only. */
import { contextWith, type DomainContext, type DomainRuntime } from '@aurorasoc/kit/domain';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { createKeyedLoader, createLoader, entityLoader } from '@aurorasoc/kit/graphql';
import { Alert } from './alert/alert.entity.js';
import type { AlertLog } from './alert/alert-log.js';
import { type AlertEventsPage, listAlertEvents } from './alert/list-alert-events.js';
import type { EventReader } from './event/event-store.js';
import type { AlertsEvents } from './events.js';
import { findRules } from './rule/find-rules.js';
import type { RuleBook } from './rule/rule-book.js';

/** What lives as long as the process. */
export interface AlertsServices {
  readonly runtime: DomainRuntime;
  readonly rules: RuleBook;
  readonly events: EventReader;
  readonly recorder: EventRecorder<AlertsEvents>;
  readonly alertLog: AlertLog;
}

function createLoaders(services: AlertsServices, tenant: string) {
  const { database } = services.runtime;
  return {
    alert: entityLoader(database, tenant, Alert),
    event: createLoader(
      (ids) => services.events.byIds(tenant, ids),
      (event) => event.id,
    ),
    rule: createLoader(
      (ids) => findRules(services, tenant, ids),
      (rule) => rule.id,
    ),
    eventsOfAlert: createKeyedLoader((pages: readonly AlertEventsPage[]) =>
      database.inTenant(tenant, (em) => listAlertEvents(em, pages)),
    ),
  };
}

export type AlertsContext = DomainContext<AlertsServices, ReturnType<typeof createLoaders>>;
export const createContext = contextWith(createLoaders);
