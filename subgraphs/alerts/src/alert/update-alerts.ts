/** Changes alerts by hand: status, severity, assignee. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import { LockMode } from '@mikro-orm/core';
import type { AlertsServices } from '../context.js';
import { Alert, type AlertStatus, type Severity } from './alert.entity.js';
import type { AlertEvent } from './alert-log.js';

export interface AlertChanges {
  readonly status?: AlertStatus | undefined;
  readonly severity?: Severity | undefined;
  /** null takes the assignee away. */
  readonly assignee?: string | null | undefined;
}

export interface AlertToUpdate {
  readonly id: string;
  /** The version that the caller saw; left out: whatever it is. */
  readonly expectedVersion?: number | undefined;
}

export type UpdateOutcome =
  | { kind: 'updated'; alert: Alert }
  | { kind: 'stale'; id: string; currentVersion: number }
  | { kind: 'closed'; id: string }
  | { kind: 'missing'; id: string };

/** One outcome per alert, in the order asked for; all changes commit together. */
export async function updateAlerts(
  services: AlertsServices,
  principal: Principal,
  targets: readonly AlertToUpdate[],
  changes: AlertChanges,
): Promise<UpdateOutcome[]> {
  return services.runtime.database.inTenant(principal.tenant, async (em) => {
    const ids = [...new Set(targets.map((target) => target.id))].sort();
    const alerts = new Map(
      (
        await em.find(Alert, { id: { $in: ids } }, { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } })
      ).map((alert) => [alert.id, alert]),
    );
    const events: AlertEvent[] = [];
    const tell = (alert: Alert, changed: readonly string[]): void => {
      events.push(services.alertLog.updated(alert, changed, actorOf(principal), new Date()));
    };
    const outcomes = targets.map((target) => updateAlert(target, alerts.get(target.id), changes, tell));
    await services.alertLog.record(em, events);
    return outcomes;
  });
}

function updateAlert(
  target: AlertToUpdate,
  alert: Alert | undefined,
  changes: AlertChanges,
  tell: (alert: Alert, changed: readonly string[]) => void,
): UpdateOutcome {
  if (!alert) return { kind: 'missing', id: target.id };
  if (target.expectedVersion !== undefined && target.expectedVersion !== alert.version)
    return { kind: 'stale', id: alert.id, currentVersion: alert.version };
  // Its matches since then may have opened another alert with the same fingerprint, and only one of them can be open.
  if (isClosed(alert.status) && changes.status !== undefined && !isClosed(changes.status))
    return { kind: 'closed', id: alert.id };
  const changed = applyChanges(alert, changes);
  if (changed.length > 0) tell(alert, changed);
  return { kind: 'updated', alert };
}

function isClosed(status: AlertStatus): boolean {
  return status === 'RESOLVED' || status === 'CLOSED';
}

function applyChanges(alert: Alert, { status, severity, assignee }: AlertChanges): string[] {
  const changed: string[] = [];
  if (status !== undefined && status !== alert.status) {
    alert.status = status;
    changed.push('status');
  }
  if (severity !== undefined && severity !== alert.severity) {
    alert.severity = severity;
    changed.push('severity');
  }
  if (assignee !== undefined && assignee !== alert.assignee) {
    alert.assignee = assignee;
    changed.push('assignee');
  }
  return changed;
}
