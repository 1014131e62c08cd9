/** What happened to alerts, as domain events. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { envelopeOf } from '@aurorasoc/kit/domain';
import type { Actor, EventRecorder, NewEvent } from '@aurorasoc/kit/events';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import type { AlertsEvents } from '../events.js';
import type { Alert } from './alert.entity.js';

/** Of the span in which it was made. */
export type AlertEvent = NewEvent<AlertsEvents, 'alert.opened' | 'alert.updated'>;

export class AlertLog {
  /** @param opener - who opens alerts: detection. */
  constructor(
    private readonly recorder: EventRecorder<AlertsEvents>,
    private readonly opener: Actor,
  ) {}

  opened(alert: Alert): AlertEvent {
    return {
      ...envelopeOf(alert, this.opener, alert.openedAt),
      type: 'alert.opened',
      data: factsOf(alert),
      traceparent: currentTraceparent(),
    };
  }

  /** Counts the version up. @param changed - names of the fields that differ. */
  updated(alert: Alert, changed: readonly string[], actor: Actor, now: Date): AlertEvent {
    alert.version += 1;
    alert.updatedAt = now;
    return {
      ...envelopeOf(alert, actor, now),
      type: 'alert.updated',
      data: { ...factsOf(alert), changed: [...changed] },
      traceparent: currentTraceparent(),
    };
  }

  /** Adds all of them to the open transaction, those of one alert in the order in which they were made. */
  record(em: EntityManager, events: readonly AlertEvent[]): Promise<void> {
    return this.recorder.recordAll(em, events);
  }
}

function factsOf(alert: Alert) {
  return {
    ruleId: alert.ruleId,
    title: alert.title,
    severity: alert.severity,
    status: alert.status,
    assignee: alert.assignee,
    count: alert.count,
    techniques: alert.techniques,
    firstSeenAt: alert.firstSeenAt.toISOString(),
    lastSeenAt: alert.lastSeenAt.toISOString(),
  };
}
