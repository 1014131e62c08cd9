/** The line of alerts that the policy wants investigated and for which there was no room. Changes need the tenant's lock of starts. */
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { ofOpenTenant } from '@aurorasoc/kit/erasure';

export interface PostponedAlert {
  readonly alertId: string;
  /** The span that opened the alert. */
  readonly traceparent: string | null;
}

/** An alert that waits already keeps its place. */
export async function joinLine(
  em: EntityManager,
  tenant: string,
  { alertId, traceparent }: PostponedAlert,
): Promise<void> {
  await em.execute(
    `with joined as (
       insert into agents.postponed_alert (tenant, alert_id, traceparent) values (?, ?, ?) on conflict do nothing
       returning tenant, alert_id
     ) insert into agents.postponed_queue (tenant, alert_id) select tenant, alert_id from joined`,
    [tenant, alertId, traceparent],
  );
}

export async function leaveLine(em: EntityManager, tenant: string, alertId: string): Promise<void> {
  await em.execute('delete from agents.postponed_alert where tenant = ? and alert_id = ?', [tenant, alertId]);
}

/** Of one tenant, the one that has waited longest first; those of one moment by id, which is by age. */
export async function findLongestWaiting(em: EntityManager, tenant: string, limit: number): Promise<PostponedAlert[]> {
  return (await em.execute(
    `select alert_id as "alertId", traceparent from agents.postponed_alert where tenant = ?
     order by requested_at, alert_id limit ?`,
    [tenant, limit],
  )) as PostponedAlert[];
}

export async function findWaitingTenants(database: Database): Promise<string[]> {
  const rows = await database.execute<{ tenant: string }>(
    `select distinct tenant from agents.postponed_queue where ${ofOpenTenant('agents', 'postponed_queue')}`,
  );
  return rows.map((row) => row.tenant);
}

/** Of all tenants. */
export async function countWaiting(database: Database): Promise<number> {
  const [row] = await database.execute<{ waiting: string }>('select count(*) as waiting from agents.postponed_queue');
  return Number(row?.waiting ?? 0);
}
