/** Pages of alerts. */
import type { EntityManager } from '@aurorasoc/kit/database';
import type { PagedList } from '@aurorasoc/kit/graphql';
import type { FilterQuery } from '@mikro-orm/core';
import { Alert, type AlertStatus, type Severity } from './alert.entity.js';

export interface AlertFilter {
  readonly status?: AlertStatus[] | undefined;
  readonly severity?: Severity[] | undefined;
  readonly ruleId?: string | undefined;
  readonly assignee?: string | undefined;
}

export type AlertOrder = 'NEWEST' | 'LAST_SEEN';

/** The queue in each of its orders. Ids are UUIDv7, so they alone order by age. */
export const ALERT_LISTS: Readonly<Record<AlertOrder, PagedList>> = {
  NEWEST: { name: 'alerts NEWEST', sortedBy: ['id'] },
  LAST_SEEN: { name: 'alerts LAST_SEEN', sortedBy: ['time', 'id'] },
};

export interface AlertPage {
  readonly filter: AlertFilter;
  readonly order: AlertOrder;
  /** Sort keys of the last alert of the page before, see {@link sortKeysOf}. */
  readonly after?: readonly string[] | undefined;
  readonly limit: number;
}

/** Newest first, or by the latest match. */
export function listAlerts(em: EntityManager, page: AlertPage): Promise<Alert[]> {
  const where: FilterQuery<Alert>[] = [conditionOf(page.filter)];
  if (page.after) where.push(conditionAfter(page.order, page.after));
  return em.find(
    Alert,
    { $and: where },
    { orderBy: page.order === 'NEWEST' ? { id: 'desc' } : { lastSeenAt: 'desc', id: 'desc' }, limit: page.limit },
  );
}

export function countAlerts(em: EntityManager, filter: AlertFilter): Promise<number> {
  return em.count(Alert, conditionOf(filter));
}

/** The keys of an alert that {@link ALERT_LISTS} names. */
export function sortKeysOf(order: AlertOrder, alert: Alert): string[] {
  return order === 'NEWEST' ? [alert.id] : [alert.lastSeenAt.toISOString(), alert.id];
}

function conditionOf({ status, severity, ruleId, assignee }: AlertFilter): FilterQuery<Alert> {
  return {
    ...(status === undefined ? {} : { status: { $in: status } }),
    ...(severity === undefined ? {} : { severity: { $in: severity } }),
    ...(ruleId === undefined ? {} : { ruleId }),
    ...(assignee === undefined ? {} : { assignee }),
  };
}

function conditionAfter(order: AlertOrder, after: readonly string[]): FilterQuery<Alert> {
  const [first = '', id = ''] = after;
  if (order === 'NEWEST') return { id: { $lt: first } };
  const lastSeenAt = new Date(first);
  return { $or: [{ lastSeenAt: { $lt: lastSeenAt } }, { lastSeenAt, id: { $lt: id } }] };
}
