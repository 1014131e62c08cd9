/** Opens alerts for signals, or adds them to the open alert with the same fingerprint. */
import { arrayLiteral, type EntityManager, executeBound } from '@aurorasoc/kit/database';
import { newId } from '@aurorasoc/kit/ids';
import { currentTraceparent, inSpan } from '@aurorasoc/kit/telemetry';
import { LockMode } from '@mikro-orm/core';
import { Alert } from '../alert/alert.entity.js';
import type { AlertEvent, AlertLog } from '../alert/alert-log.js';
import { MAX_EVENTS_PER_ALERT, type SignalGroup } from './signal-groups.js';
import { addEntities, attackOf, severityOf } from './signals.js';

/** Alerts that are written at once: their rows and events lie in memory meanwhile, and each statement has its time. */
const ALERTS_PER_PART = 200;
/** UTF-16 units of what is written at once. */
const TEXT_PER_PART = 1_000_000;
/** Fingerprints, or links to events, of one statement. */
const ROWS_PER_STATEMENT = 5_000;

interface Raised {
  readonly alert: Alert;
  readonly group: SignalGroup;
  /** What is told of it. */
  readonly event: AlertEvent;
}

/**
 * To be called once in a transaction, with all of its signals, and in that of the inbox rows, so that no signal is counted
 * twice.
 *
 * Whoever changes several alerts locks them in the order of their ids. Alerts that do not exist yet have no row to lock: two
 * workers that open the same ones, each in the middle of others that it has counted up, take turns.
 *
 * @param groups - no two with the same fingerprint; any number, of which a part is looked at at a time.
 */
export async function raiseAlerts(
  em: EntityManager,
  log: AlertLog,
  tenant: string,
  groups: readonly SignalGroup[],
  now: Date,
): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`raise alerts of ${tenant}`]);
  const openIds = await findOpenAlerts(em, tenant, groups);
  for (const part of inParts(inOrderOfIds(groups, openIds))) {
    const open = await lockOpenAlerts(
      em,
      part.flatMap(({ fingerprint }) => openIds.get(fingerprint) ?? []),
    );
    await raisePart(em, log, tenant, part, open, now);
  }
}

/** In as many statements whatever the number of alerts: other tenants' batches wait meanwhile. @param open - by fingerprint. */
async function raisePart(
  em: EntityManager,
  log: AlertLog,
  tenant: string,
  part: readonly SignalGroup[],
  open: ReadonlyMap<string, Alert>,
  now: Date,
): Promise<void> {
  const raised: Raised[] = [];
  for (const group of part) {
    const alert = open.get(group.fingerprint);
    const { rule, traceparent: parent } = group;
    await inSpan(alert ? 'count up alert' : 'open alert', { parent, attributes: { 'rule.id': rule.id } }, async () =>
      raised.push(alert ? addToAlert(log, alert, group, now) : openAlert(em, log, tenant, group, now)),
    );
  }
  await em.flush();
  await linkEvents(em, tenant, raised);
  await log.record(
    em,
    raised.map(({ event }) => event),
  );
  // Else each flush would look again at what the former ones have written.
  em.clear();
}

/** Ids by fingerprint; none is locked yet. */
async function findOpenAlerts(
  em: EntityManager,
  tenant: string,
  groups: readonly SignalGroup[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const some of inChunks(groups)) {
    const rows = await executeBound<{ id: string; fingerprint: string }>(
      em,
      `select id, fingerprint from alerts.alert
       where tenant = $1::uuid and fingerprint = any($2::text[]) and status not in ('RESOLVED', 'CLOSED')`,
      [tenant, arrayLiteral(some.map(({ fingerprint }) => fingerprint))],
    );
    for (const { id, fingerprint } of rows) found.set(fingerprint, id);
  }
  return found;
}

/** Groups without an open alert come last. */
function inOrderOfIds(groups: readonly SignalGroup[], openIds: ReadonlyMap<string, string>): SignalGroup[] {
  const ofOpen = groups.flatMap((group) => {
    const id = openIds.get(group.fingerprint);
    return id === undefined ? [] : [{ id, group }];
  });
  ofOpen.sort((a, b) => (a.id < b.id ? -1 : 1));
  return [...ofOpen.map(({ group }) => group), ...groups.filter(({ fingerprint }) => !openIds.has(fingerprint))];
}

/** Those that are still open, by fingerprint. */
async function lockOpenAlerts(em: EntityManager, ids: readonly string[]): Promise<ReadonlyMap<string, Alert>> {
  if (ids.length === 0) return new Map();
  const alerts = await em.find(
    Alert,
    { id: { $in: [...ids] }, status: { $nin: ['RESOLVED', 'CLOSED'] } },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  );
  return new Map(alerts.map((alert) => [alert.fingerprint, alert]));
}

function openAlert(em: EntityManager, log: AlertLog, tenant: string, group: SignalGroup, now: Date): Raised {
  const { rule } = group;
  const alert = new Alert({
    id: newId(),
    tenant,
    ruleId: rule.id,
    title: rule.title,
    description: rule.description ?? '',
    severity: severityOf(rule),
    ...attackOf(rule),
    entities: [...group.entities],
    groupingKey: { ...group.groupingKey },
    fingerprint: group.fingerprint,
    count: group.count,
    firstSeenAt: new Date(group.firstSeen),
    lastSeenAt: new Date(group.lastSeen),
    openedAt: now,
    traceparent: currentTraceparent() ?? null,
  });
  em.persist(alert);
  return { alert, group, event: log.opened(alert) };
}

function addToAlert(log: AlertLog, alert: Alert, group: SignalGroup, now: Date): Raised {
  alert.count += group.count;
  alert.firstSeenAt = new Date(Math.min(alert.firstSeenAt.getTime(), group.firstSeen));
  alert.lastSeenAt = new Date(Math.max(alert.lastSeenAt.getTime(), group.lastSeen));
  alert.entities = [...addEntities(alert.entities, group.entities)];
  return { alert, group, event: log.updated(alert, ['count'], DETECTION, now) };
}

export const DETECTION = { kind: 'service', id: 'alerts/detection' } as const;

async function linkEvents(em: EntityManager, tenant: string, raised: readonly Raised[]): Promise<void> {
  const links = raised.flatMap(({ alert, group }) => {
    const room = MAX_EVENTS_PER_ALERT - (alert.count - group.count);
    return group.eventIds.slice(0, Math.max(0, room)).map((event) => ({ alert: alert.id, event }));
  });
  for (const some of inChunks(links))
    await executeBound(
      em,
      `insert into alerts.alert_event (alert_id, event_id, tenant)
       select alert_id, event_id, $1::uuid from unnest($2::uuid[], $3::uuid[]) as link (alert_id, event_id) on conflict do nothing`,
      [tenant, arrayLiteral(some.map(({ alert }) => alert)), arrayLiteral(some.map(({ event }) => event))],
    );
}

function* inChunks<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) yield rows.slice(from, from + ROWS_PER_STATEMENT);
}

/** As many at a time as may be written at once; one in any case. */
function* inParts(groups: readonly SignalGroup[]): Generator<readonly SignalGroup[]> {
  let part: SignalGroup[] = [];
  let text = 0;
  for (const group of groups) {
    const more = textOf(group);
    if (part.length === ALERTS_PER_PART || (part.length > 0 && text + more > TEXT_PER_PART)) {
      yield part;
      part = [];
      text = 0;
    }
    part.push(group);
    text += more;
  }
  if (part.length > 0) yield part;
}

/** UTF-16 units of what its alert holds that rules and events have a say in, but for the entities that it has already. */
function textOf({ rule, groupingKey, entities }: SignalGroup): number {
  const { title, description, tags } = rule;
  const texts = [
    title,
    description ?? '',
    ...tags,
    ...Object.values(groupingKey),
    ...entities.map(({ value }) => value),
  ];
  return texts.reduce((sum, text) => sum + text.length, 0);
}
