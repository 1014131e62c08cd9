/** Reads what was refused of devices' messages, for many devices in one query. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import type { DecodingProblem } from './decode-payload.js';

/** What an unknown device sent is nobody's, so no list of a device has it. */
type RefusalReason = DecodingProblem | 'SEQUENCE_REUSED';

export interface RefusedTelemetry {
  readonly id: string;
  readonly reason: RefusalReason;
  readonly receivedAt: Date;
  /** Base64. */
  readonly body: string;
}

export interface RefusedPage {
  readonly deviceId: string;
  /** Id of the last one of the page before. */
  readonly before: string | undefined;
  readonly limit: number;
}

interface Row {
  place: string;
  id: string;
  reason: RefusalReason;
  received_at: string;
  body: string;
}

/** Above every id. */
const NOTHING = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** For each of the pages, in their order: newest first. @param tenant - whose index is read. */
export async function listRefused(
  em: EntityManager,
  tenant: string,
  pages: readonly RefusedPage[],
): Promise<RefusedTelemetry[][]> {
  const rows = (await em.execute(
    `select asked.place, newest.* from unnest(?::text[], ?::uuid[], ?::integer[]) with ordinality as asked (device, before, size, place)
     cross join lateral (
       select id, reason, received_at, body from devices.refused_telemetry
       where tenant = ? and device = asked.device and id < asked.before order by id desc limit asked.size
     ) as newest order by asked.place, newest.id desc`,
    [
      arrayLiteral(pages.map((page) => page.deviceId)),
      arrayLiteral(pages.map((page) => page.before ?? NOTHING)),
      arrayLiteral(pages.map((page) => page.limit)),
      tenant,
    ],
  )) as Row[];
  const ofPage = Map.groupBy(rows, (row) => Number(row.place) - 1);
  return pages.map((_, index) =>
    (ofPage.get(index) ?? []).map(({ id, reason, received_at, body }) => ({
      id,
      reason,
      receivedAt: new Date(received_at),
      body,
    })),
  );
}
