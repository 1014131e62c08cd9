/**
 * Every investigation that is unfinished now or begins later, step by step from its beginning. The graph tells the steps of a given investigation live; that
 * one has begun is found by asking for the newest ones.
 */
import { sleep } from '@aurorasoc/kit/lifecycle';
import type { GraphClient } from '../client/index.js';
import {
  type CaughtUp,
  FOLLOW_INVESTIGATION,
  type InvestigationProgress,
  RECENT_INVESTIGATIONS,
  type RecentInvestigations,
  type ResyncRequired,
} from '../client/operations.js';

export interface FollowInvestigationsOptions {
  readonly onProgress: (progress: InvestigationProgress) => void;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 1_500;
const LOOK_AT = 50;

/** Resolves when the signal aborts. A gateway that is away is waited for. */
export async function followInvestigations(client: GraphClient, options: FollowInvestigationsOptions): Promise<void> {
  const { signal } = options;
  const followed = new Map<string, Promise<void>>();
  let isFirstLook = true;
  while (!signal.aborted) {
    const recent = await client
      .execute<RecentInvestigations>(RECENT_INVESTIGATIONS, { first: LOOK_AT })
      .catch(() => undefined);
    const nodes = recent?.data?.investigations?.nodes;
    for (const { id, finishedAt } of nodes?.toReversed() ?? []) {
      if (followed.has(id)) continue;
      const isHistory = isFirstLook && finishedAt !== null;
      followed.set(id, isHistory ? Promise.resolve() : followOne(client, id, options));
    }
    if (nodes !== undefined) isFirstLook = false;
    await sleep(LOOK_EVERY_MS, signal);
  }
  await Promise.all(followed.values());
}

async function followOne(
  client: GraphClient,
  id: string,
  { onProgress, signal }: FollowInvestigationsOptions,
): Promise<void> {
  const ended = new AbortController();
  try {
    await client.follow<InvestigationProgress | CaughtUp | ResyncRequired>(
      FOLLOW_INVESTIGATION,
      { id },
      {
        signal: AbortSignal.any([signal, ended.signal]),
        onItem: (item) => {
          if (item?.__typename !== 'InvestigationProgress') return;
          onProgress(item);
          if (item.kind === 'ENDED') ended.abort();
        },
      },
    );
  } catch {
    // One investigation that cannot be followed costs its own lines; the alerts' stream tells what is wrong with the site.
  }
}
