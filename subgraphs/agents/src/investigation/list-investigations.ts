/** Pages of investigations, newest first: ids are UUIDv7, so they alone order by age. */
import type { EntityManager } from '@aurorasoc/kit/database';
import type { InvestigationStatus } from '../events.js';
import { Investigation } from './investigation.entity.js';
import { InvestigationStep } from './investigation-step.entity.js';

export interface InvestigationPage {
  readonly alertId?: string | undefined;
  readonly status?: readonly InvestigationStatus[] | undefined;
  /** Id of the last investigation of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export function listInvestigations(
  em: EntityManager,
  { alertId, status, after, limit }: InvestigationPage,
): Promise<Investigation[]> {
  const where = {
    ...(alertId === undefined ? {} : { alertId }),
    ...(status === undefined ? {} : { status: { $in: [...status] } }),
    ...(after === undefined ? {} : { id: { $lt: after } }),
  };
  return em.find(Investigation, where, { orderBy: { id: 'desc' }, limit });
}

/** At most {@link MAX_PER_ALERT} for each of the alerts, newest first. */
export async function listInvestigationsOfAlerts(
  em: EntityManager,
  alertIds: readonly string[],
): Promise<Investigation[]> {
  const rows = (await em.execute(
    `select newest.id from unnest(?::uuid[]) as asked (alert_id)
     cross join lateral (select id from agents.investigation where alert_id = asked.alert_id order by id desc limit ${MAX_PER_ALERT}) as newest`,
    [`{${alertIds.join(',')}}`],
  )) as { id: string }[];
  return em.find(Investigation, { id: { $in: rows.map((row) => row.id) } }, { orderBy: { id: 'desc' } });
}

export const MAX_PER_ALERT = 50;

export function listSteps(em: EntityManager, investigationIds: readonly string[]): Promise<InvestigationStep[]> {
  return em.find(
    InvestigationStep,
    { investigationId: { $in: [...investigationIds] } },
    { orderBy: { ordinal: 'asc' } },
  );
}
