/** The live field `alertChanged`. */
import { type DomainEvent, readData } from '@aurorasoc/kit/events';
import { changeFacts, type LiveItems, openLive } from '@aurorasoc/kit/live';
import type { AlertsContext } from '../context.js';
import { alertsEvents } from '../events.js';
import { AlertChange } from './alert.type.js';
import type { AlertFilter } from './list-alerts.js';

export function openAlertChanges(
  { services, principal }: AlertsContext,
  filter: AlertFilter,
  after: string | undefined,
): LiveItems<AlertChange> {
  return openLive(services.runtime.live, {
    tenant: principal.tenant,
    after,
    toItem: (event, cursor) => toAlertChange(event, cursor, filter),
  });
}

function toAlertChange(event: DomainEvent, cursor: string, filter: AlertFilter): AlertChange | undefined {
  if (event.type !== 'alert.opened' && event.type !== 'alert.updated') return undefined;
  const facts = readData(event, alertsEvents['alert.updated'].partial({ changed: true }));
  const isWanted =
    (filter.status?.includes(facts.status) ?? true) &&
    (filter.severity?.includes(facts.severity) ?? true) &&
    (filter.ruleId === undefined || filter.ruleId === facts.ruleId) &&
    (filter.assignee === undefined || filter.assignee === facts.assignee);
  if (!isWanted) return undefined;
  return Object.assign(new AlertChange(), {
    ...changeFacts(event, cursor),
    kind: event.type === 'alert.opened' ? ('OPENED' as const) : ('UPDATED' as const),
    alertId: event.subject,
    changed: facts.changed ?? [],
  });
}
