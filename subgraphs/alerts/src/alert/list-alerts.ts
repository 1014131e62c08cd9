/** Pages of alerts. */
import type { EntityManager } from '@aurorasoc/kit/database';
import type { FilterQuery } from '@mikro-orm/core';
import { Alert, type AlertStatus, type Severity } from './alert.entity.js';

export interface AlertFilter {
  readonly status?: AlertStatus[] | undefined;
  readonly severity?: Severity[] | undefined;
  readonly ruleId?: string | undefined;
  readonly assignee?: string | undefined;
}

export type AlertOrder = 'NEWEST' | 'LAST_SEEN';

export interface AlertPage {
  readonly filter: AlertFilter;
  readonly order: AlertOrder;
  /** Sort keys of the last alert of the page before, see {@link sortKeysOf}. */
  readonly after?: readonly (string | number)[] | undefined;
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

/** Ids are UUIDv7, so they alone order by age. */
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

function conditionAfter(order: AlertOrder, after: readonly (string | number)[]): FilterQuery<Alert> {
  if (order === 'NEWEST') return { id: { $lt: String(after[0]) } };
  const [lastSeenAt, id] = [new Date(String(after[0])), String(after[1])];
  return { $or: [{ lastSeenAt: { $lt: lastSeenAt } }, { lastSeenAt, id: { $lt: id } }] };
}
