/** Reads what was refused of devices' messages, for many devices in one query. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import { badUserInput } from '@aurorasoc/kit/errors';
import type { DecodingProblem } from './decode-payload.js';

/** What an unknown device sent is nobody's, so no list of a device has it. */
type RefusalReason = DecodingProblem | 'SEQUENCE_REUSED';

export interface RefusedTelemetry {
  readonly id: string;
  readonly reason: RefusalReason;
  readonly receivedAt: Date;
  /** Base64 of the first {@link SHOWN_BYTES}. */
  readonly body: string;
  /** Bytes of the whole. */
  readonly length: number;
}

/** What a sample may be is 64 KiB, and what is refused for its size up to 256; pages of whole ones no answer could hold. */
export const SHOWN_BYTES = 3_072;
/** Of all lists of one operation: 50 MB at most. */
export const MAX_REFUSED = 12_000;

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
  length: number;
}

/** Above every id. */
const NOTHING = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * For each of the pages, in their order: newest first.
 * @param tenant - whose index is read.
 * @throws AuroraError `BAD_USER_INPUT` when the pages together ask for more than {@link MAX_REFUSED}.
 */
export async function listRefused(
  em: EntityManager,
  tenant: string,
  pages: readonly RefusedPage[],
): Promise<RefusedTelemetry[][]> {
  if (pages.reduce((sum, { limit }) => sum + limit, 0) > MAX_REFUSED)
    throw badUserInput('refusedTelemetry', `At most ${MAX_REFUSED} refused messages at a time; ask for shorter pages`);
  const rows = (await em.execute(
    `select asked.place, newest.* from unnest(?::text[], ?::uuid[], ?::integer[]) with ordinality as asked (device, before, size, place)
     cross join lateral (
       select id, reason, received_at, left(body, ?) as body, length(rtrim(body, '=')) * 3 / 4 as length from devices.refused_telemetry
       where tenant = ? and device = asked.device and id < asked.before order by id desc limit asked.size
     ) as newest order by asked.place, newest.id desc`,
    [
      arrayLiteral(pages.map((page) => page.deviceId)),
      arrayLiteral(pages.map((page) => page.before ?? NOTHING)),
      arrayLiteral(pages.map((page) => page.limit)),
      (SHOWN_BYTES / 3) * 4,
      tenant,
    ],
  )) as Row[];
  const ofPage = Map.groupBy(rows, (row) => Number(row.place) - 1);
  return pages.map((_, index) =>
    (ofPage.get(index) ?? []).map(({ id, reason, received_at, body, length }) => ({
      id,
      reason,
      receivedAt: new Date(received_at),
      body,
      length,
    })),
  );
}
