/** The queue of open alerts as it stands. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { sleep } from '@aurorasoc/kit/lifecycle';
import { PASSING_CODES } from '../client/graph-request-error.js';
import { type GraphClient, GraphRequestError } from '../client/index.js';
import { ALERT_QUEUE, type AlertQueue, type QueuedAlert } from '../client/operations.js';

export interface QueueSelection {
  /** How many of the newest, 0 to 200. */
  readonly last: number;
  /** Only alerts that were opened since then. */
  readonly since?: Date | undefined;
}

const TRY_AGAIN_MS = 1_000;

/**
 * A graph that is away is waited for; what it cannot tell beside the alerts is left out.
 *
 * @returns the newest open alerts that were selected, oldest first; none when the signal aborts.
 * @throws GraphRequestError when the graph refuses to tell.
 */
export async function readAlertQueue(
  client: GraphClient,
  { last, since }: QueueSelection,
  signal: AbortSignal,
): Promise<readonly QueuedAlert[]> {
  if (last === 0) return [];
  for (; !signal.aborted; await sleep(TRY_AGAIN_MS, signal)) {
    try {
      const { data, errors } = await client.execute<AlertQueue>(ALERT_QUEUE, { first: last });
      if (!data?.alerts) throw new GraphRequestError(errors);
      const isRecent = ({ openedAt }: QueuedAlert): boolean => since === undefined || new Date(openedAt) >= since;
      return data.alerts.nodes.filter(isRecent).toReversed();
    } catch (error) {
      if (!(error instanceof AuroraError && PASSING_CODES.has(error.code))) throw error;
    }
  }
  return [];
}
