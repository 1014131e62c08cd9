/** What belongs to alerts and investigations, for many of them at once. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { Investigation } from './investigation.entity.js';
import { InvestigationStep } from './investigation-step.entity.js';

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
