/** What belongs to alerts and investigations, for many of them at once. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import { raw } from '@mikro-orm/core';
import { Investigation } from './investigation.entity.js';
import { InvestigationStep } from './investigation-step.entity.js';

export const MAX_PER_ALERT = 50;

/** At most {@link MAX_PER_ALERT} for each of the alerts, newest first. */
export function listInvestigationsOfAlerts(em: EntityManager, alertIds: readonly string[]): Promise<Investigation[]> {
  const newest = `select newest.id from unnest(?::uuid[]) as asked (alert_id)
    cross join lateral (select id from agents.investigation where alert_id = asked.alert_id order by id desc limit ${MAX_PER_ALERT}) as newest`;
  return em.find(Investigation, { id: { $in: raw(newest, [arrayLiteral(alertIds)]) } }, { orderBy: { id: 'desc' } });
}

/** More than an investigation has that goes well: its specialist calls 40 tools at most. */
export const MAX_STEPS = 500;

/** The first {@link MAX_STEPS} of each of the investigations, in order. */
export function listSteps(em: EntityManager, investigationIds: readonly string[]): Promise<InvestigationStep[]> {
  const first = `select step.id from unnest(?::uuid[]) as asked (investigation_id)
    cross join lateral (select id from agents.investigation_step where investigation_id = asked.investigation_id order by ordinal limit ${MAX_STEPS}) as step`;
  return em.find(
    InvestigationStep,
    { id: { $in: raw(first, [arrayLiteral(investigationIds)]) } },
    { orderBy: { ordinal: 'asc' } },
  );
}
