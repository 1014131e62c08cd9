/**
 * The queue as it stands and everything that happens to it from then on, without a gap and without a repetition: changes
 * are subscribed to first, the queue is read once that has caught up, and of the changes that were made meanwhile only those
 * are told that lead to a newer version than the queue had.
 */
import type { GraphClient } from '../client/index.js';
import {
  type AlertChange,
  type CaughtUp,
  FOLLOW_ALERTS,
  type QueuedAlert,
  type ResyncRequired,
} from '../client/operations.js';
import { type QueueSelection, readAlertQueue } from './alert-queue.js';
import { InvestigationFollower, type TailedProgress } from './follow-investigations.js';

/** `QueuedAlert`s hold the investigations that had ended before; all others are told step by step. */
export type TailItem = QueuedAlert | AlertChange | TailedProgress | ResyncRequired;

export interface FollowQueueOptions extends QueueSelection {
  readonly onItem: (item: TailItem) => void;
  readonly signal: AbortSignal;
  readonly onDisconnect: (reason: string) => void;
  readonly onReconnect: () => void;
}

/** Resolves when the signal aborts. @throws GraphRequestError, AuroraError when the graph refuses the client. */
export async function followQueue(client: GraphClient, options: FollowQueueOptions): Promise<void> {
  const { onItem, signal, onDisconnect, onReconnect } = options;
  const follower = new InvestigationFollower(client, { signal, onProgress: onItem });
  /** Versions that the queue has told and no change has passed yet. */
  let told = new Map<string, number>();
  let investigations: Promise<void> | undefined;

  const tellQueue = async (): Promise<void> => {
    const alerts = await readAlertQueue(client, options, signal);
    told = new Map(alerts.map(({ id, version }) => [id, version]));
    for (const alert of alerts) onItem({ ...alert, investigations: takeEnded(alert, follower) });
  };
  const tellChange = (change: AlertChange): void => {
    if (change.version <= (told.get(change.alertId) ?? 0)) return;
    told.delete(change.alertId);
    onItem(change);
  };

  await client.follow<AlertChange | CaughtUp | ResyncRequired | null>(
    FOLLOW_ALERTS,
    {},
    {
      signal,
      onDisconnect,
      onReconnect,
      onItem: async (item) => {
        switch (item?.__typename) {
          case 'AlertChange':
            return tellChange(item);
          case 'CaughtUp':
            if (investigations !== undefined) return;
            await follower.look();
            await tellQueue();
            investigations = follower.run();
            return;
          case 'ResyncRequired':
            onItem(item);
            await tellQueue();
        }
      },
    },
  );
  await investigations;
}

/** Oldest first. */
function takeEnded({ investigations }: QueuedAlert, follower: InvestigationFollower): QueuedAlert['investigations'] {
  const ended = investigations?.filter(({ id, finishedAt }) => finishedAt !== null && !follower.isFollowed(id)) ?? [];
  for (const { id } of ended) follower.skip(id);
  return ended.toReversed();
}
