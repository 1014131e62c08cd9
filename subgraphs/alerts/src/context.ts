/** What the resolvers of one operation share: the caller, and loaders that see the caller's tenant only. */
import { arrayLiteral } from '@aurorasoc/kit/database';
import type { DomainRuntime } from '@aurorasoc/kit/domain';
import type { EventRecorder } from '@aurorasoc/kit/events';
import { createListLoader, createLoader, type DataLoader, type PrincipalContext } from '@aurorasoc/kit/graphql';
import { Alert } from './alert/alert.entity.js';
import type { AlertLog } from './alert/alert-log.js';
import type { EventReader, StoredEvent } from './event/event-store.js';
import type { AlertsEvents } from './events.js';
import { type DetectionRuleView, findRules } from './rule/find-rules.js';
import type { RuleBook } from './rule/rule-book.js';

/** What lives as long as the process. */
export interface AlertsServices {
  readonly runtime: DomainRuntime;
  readonly rules: RuleBook;
  readonly events: EventReader;
  readonly recorder: EventRecorder<AlertsEvents>;
  readonly alertLog: AlertLog;
}

export interface AlertsContext extends PrincipalContext {
  readonly services: AlertsServices;
  readonly loaders: {
    readonly alert: DataLoader<string, Alert | null>;
    readonly event: DataLoader<string, StoredEvent | null>;
    readonly rule: DataLoader<string, DetectionRuleView | null>;
    /** Ids of an alert's events, newest first. */
    readonly eventIdsOfAlert: DataLoader<string, { alertId: string; eventId: string }[]>;
  };
}

export function createContext(services: AlertsServices): (base: PrincipalContext) => AlertsContext {
  const { database } = services.runtime;
  return ({ principal }) => {
    const { tenant } = principal;
    return {
      principal,
      services,
      loaders: {
        alert: createLoader(
          (ids) => database.inTenant(tenant, (em) => em.find(Alert, { id: { $in: [...ids] } })),
          (alert) => alert.id,
        ),
        event: createLoader(
          (ids) => services.events.byIds(tenant, ids),
          (event) => event.id,
        ),
        rule: createLoader(
          (ids) => findRules(services, tenant, ids),
          (rule) => rule.id,
        ),
        eventIdsOfAlert: createListLoader(
          (ids) =>
            database.inTenant(
              tenant,
              (em) =>
                em.execute(
                  'select alert_id as "alertId", event_id as "eventId" from alerts.alert_event where alert_id = any(?::uuid[]) order by event_id desc',
                  [arrayLiteral(ids)],
                ) as Promise<{ alertId: string; eventId: string }[]>,
            ),
          (row) => row.alertId,
        ),
      },
    };
  };
}
