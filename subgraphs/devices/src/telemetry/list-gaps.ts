/** Which sequence numbers of a device are missing between those that are there. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';

export interface Gap {
  readonly firstSequence: number;
  readonly lastSequence: number;
}

export interface GapsPage {
  readonly deviceId: string;
  readonly limit: number;
}

/** For each of the pages, in their order: gaps, latest first. Numbers before the first that ever came are not known to be missing. */
export async function listGaps(em: EntityManager, pages: readonly GapsPage[]): Promise<Gap[][]> {
  const rows = (await em.execute(
    `select asked.place, gap.first_missing, gap.last_missing
     from unnest(?::uuid[], ?::integer[]) with ordinality as asked (device_id, size, place)
     cross join lateral (
       select before.last_sequence + 1 as first_missing, r.first_sequence - 1 as last_missing
       from devices.sequence_range as r cross join lateral (
         select last_sequence from devices.sequence_range
         where device_id = asked.device_id and first_sequence < r.first_sequence order by first_sequence desc limit 1
       ) as before
       where r.device_id = asked.device_id order by r.first_sequence desc limit asked.size
     ) as gap order by asked.place, gap.first_missing desc`,
    [arrayLiteral(pages.map((page) => page.deviceId)), arrayLiteral(pages.map((page) => page.limit))],
  )) as { place: string; first_missing: string; last_missing: string }[];
  const ofPage = Map.groupBy(rows, (row) => Number(row.place) - 1);
  return pages.map((_, index) =>
    (ofPage.get(index) ?? []).map((row) => ({
      firstSequence: Number(row.first_missing),
      lastSequence: Number(row.last_missing),
    })),
  );
}
