/** Which events matched: a page for each of many alerts in one query. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';

export interface AlertEventsPage {
  readonly alertId: string;
  /** Id of the last event of the page before; undefined on the first page. */
  readonly before: string | undefined;
  readonly limit: number;
}

/** Above every id of an event. */
const NO_EVENT = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** For each of the pages, in their order: ids of events, newest first. Reads as many rows as it gives. */
export async function listAlertEvents(em: EntityManager, pages: readonly AlertEventsPage[]): Promise<string[][]> {
  const rows = (await em.execute(
    `select asked.place, newest.event_id
     from unnest(?::uuid[], ?::uuid[], ?::integer[]) with ordinality as asked (alert_id, before, size, place)
     cross join lateral (
       select event_id from alerts.alert_event
       where alert_id = asked.alert_id and event_id < asked.before order by event_id desc limit asked.size
     ) as newest order by asked.place, newest.event_id desc`,
    [
      arrayLiteral(pages.map((page) => page.alertId)),
      arrayLiteral(pages.map((page) => page.before ?? NO_EVENT)),
      arrayLiteral(pages.map((page) => String(page.limit))),
    ],
  )) as { place: string; event_id: string }[];
  const ofPage = Map.groupBy(rows, (row) => Number(row.place) - 1);
  return pages.map((_, index) => (ofPage.get(index) ?? []).map((row) => row.event_id));
}
