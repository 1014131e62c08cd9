/** Opens alerts for signals, or adds them to the open alert with the same fingerprint. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import { newId } from '@aurorasoc/kit/ids';
import { currentTraceparent, inSpan } from '@aurorasoc/kit/telemetry';
import { LockMode } from '@mikro-orm/core';
import { Alert } from '../alert/alert.entity.js';
import type { AlertEvent, AlertLog } from '../alert/alert-log.js';
import {
  attackOf,
  collectEntities,
  fingerprintOf,
  groupingKeyOf,
  occurredAt,
  type Signal,
  severityOf,
} from './signals.js';

/** Evidence beyond this many events adds nothing that the count does not say. */
const MAX_EVENTS_PER_ALERT = 1_000;

interface SignalGroup {
  readonly fingerprint: string;
  readonly groupingKey: Record<string, string>;
  readonly signals: [Signal, ...Signal[]];
}

interface Raised {
  readonly alert: Alert;
  readonly signals: readonly Signal[];
  /** What is told of it. */
  readonly event: AlertEvent;
}

/**
 * To be called once in a transaction, with all of its signals, and in that of the inbox rows, so that no signal is counted
 * twice.
 *
 * Whoever changes several alerts locks them in the order of their ids. Alerts that do not exist yet have no row to lock: two
 * workers that open the same ones, each in the middle of others that it has counted up, take turns.
 */
export async function raiseAlerts(
  em: EntityManager,
  log: AlertLog,
  tenant: string,
  signals: readonly Signal[],
  now: Date,
): Promise<void> {
  const groups = groupSignals(signals);
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`raise alerts of ${tenant}`]);
  const open = await lockOpenAlerts(em, tenant, groups);
  const raised: Raised[] = [];
  for (const group of groups) {
    const alert = open.get(group.fingerprint);
    const [{ rule, traceparent: parent }] = group.signals;
    await inSpan(alert ? 'count up alert' : 'open alert', { parent, attributes: { 'rule.id': rule.id } }, async () =>
      raised.push(alert ? addToAlert(log, alert, group, now) : openAlert(em, log, tenant, group, now)),
    );
  }
  // In as many statements whatever the number of alerts: other tenants' batches wait meanwhile.
  await em.flush();
  await linkEvents(em, tenant, raised);
  await log.record(
    em,
    raised.map(({ event }) => event),
  );
}

function groupSignals(signals: readonly Signal[]): SignalGroup[] {
  const groups = new Map<string, SignalGroup>();
  for (const signal of signals) {
    const groupingKey = groupingKeyOf(signal.event.document);
    const fingerprint = fingerprintOf(signal.rule.id, groupingKey);
    const group = groups.get(fingerprint);
    if (group) group.signals.push(signal);
    else groups.set(fingerprint, { fingerprint, groupingKey, signals: [signal] });
  }
  return [...groups.values()];
}

/** By fingerprint. */
async function lockOpenAlerts(
  em: EntityManager,
  tenant: string,
  groups: readonly SignalGroup[],
): Promise<Map<string, Alert>> {
  const alerts = await em.find(
    Alert,
    {
      tenant,
      fingerprint: { $in: groups.map((group) => group.fingerprint) },
      status: { $nin: ['RESOLVED', 'CLOSED'] },
    },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  );
  return new Map(alerts.map((alert) => [alert.fingerprint, alert]));
}

function openAlert(em: EntityManager, log: AlertLog, tenant: string, group: SignalGroup, now: Date): Raised {
  const { rule } = group.signals[0];
  const times = group.signals.map(({ event }) => occurredAt(event).getTime());
  const alert = new Alert({
    id: newId(),
    tenant,
    ruleId: rule.id,
    title: rule.title,
    description: rule.description ?? '',
    severity: severityOf(rule),
    ...attackOf(rule),
    entities: collectEntities(
      [],
      group.signals.map(({ event }) => event),
    ),
    groupingKey: group.groupingKey,
    fingerprint: group.fingerprint,
    count: group.signals.length,
    firstSeenAt: new Date(Math.min(...times)),
    lastSeenAt: new Date(Math.max(...times)),
    openedAt: now,
    traceparent: currentTraceparent() ?? null,
  });
  em.persist(alert);
  return { alert, signals: group.signals, event: log.opened(alert) };
}

function addToAlert(log: AlertLog, alert: Alert, group: SignalGroup, now: Date): Raised {
  const times = group.signals.map(({ event }) => occurredAt(event).getTime());
  alert.count = alert.count + group.signals.length;
  alert.firstSeenAt = new Date(Math.min(alert.firstSeenAt.getTime(), ...times));
  alert.lastSeenAt = new Date(Math.max(alert.lastSeenAt.getTime(), ...times));
  alert.entities = collectEntities(
    alert.entities,
    group.signals.map(({ event }) => event),
  );
  return { alert, signals: group.signals, event: log.updated(alert, ['count'], DETECTION, now) };
}

export const DETECTION = { kind: 'service', id: 'alerts/detection' } as const;

async function linkEvents(em: EntityManager, tenant: string, raised: readonly Raised[]): Promise<void> {
  const links = raised.flatMap(({ alert, signals }) => {
    const room = MAX_EVENTS_PER_ALERT - (alert.count - signals.length);
    const ids = [...new Set(signals.map(({ event }) => event.id))].slice(0, Math.max(0, room));
    return ids.map((event) => ({ alert: alert.id, event }));
  });
  if (links.length === 0) return;
  await em.execute(
    `insert into alerts.alert_event (alert_id, event_id, tenant)
     select alert_id, event_id, ?::uuid from unnest(?::uuid[], ?::uuid[]) as link (alert_id, event_id) on conflict do nothing`,
    [tenant, arrayLiteral(links.map(({ alert }) => alert)), arrayLiteral(links.map(({ event }) => event))],
  );
}
