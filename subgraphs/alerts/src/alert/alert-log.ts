/** Writes what happened to alerts as domain events. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { envelopeOf } from '@aurorasoc/kit/domain';
import type { Actor, EventRecorder } from '@aurorasoc/kit/events';
import type { AlertsEvents } from '../events.js';
import type { Alert } from './alert.entity.js';

export class AlertLog {
  /** @param opener - who opens alerts: detection. */
  constructor(
    private readonly recorder: EventRecorder<AlertsEvents>,
    private readonly opener: Actor,
  ) {}

  async opened(em: EntityManager, alert: Alert): Promise<void> {
    await this.recorder.record(em, {
      ...envelopeOf(alert, this.opener, alert.openedAt),
      type: 'alert.opened',
      data: factsOf(alert),
    });
  }

  /** Counts the version up and records the change. @param changed - names of the fields that differ. */
  async updated(em: EntityManager, alert: Alert, changed: readonly string[], actor: Actor, now: Date): Promise<void> {
    alert.version += 1;
    alert.updatedAt = now;
    await this.recorder.record(em, {
      ...envelopeOf(alert, actor, now),
      type: 'alert.updated',
      data: { ...factsOf(alert), changed: [...changed] },
    });
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
