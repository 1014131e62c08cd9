/**
 * Every investigation that is unfinished now or begins later, step by step from its beginning. The graph tells the steps of
 * a given investigation live; that one has begun is found by asking for the newest ones.
 */
import { sleep } from '@aurorasoc/kit/lifecycle';
import type { GraphClient } from '../client/index.js';
import {
  ALERT_TITLE,
  type AlertTitle,
  type CaughtUp,
  FOLLOW_INVESTIGATION,
  type InvestigationProgress,
  RECENT_INVESTIGATIONS,
  type RecentInvestigation,
  type RecentInvestigations,
  type ResyncRequired,
} from '../client/operations.js';

/** A step with the alert that it is about. */
export interface TailedProgress extends InvestigationProgress {
  /** `title` is null when the alert cannot be had. */
  readonly alert: { readonly id: string; readonly title: string | null };
}

export interface FollowInvestigationsOptions {
  readonly onProgress: (progress: TailedProgress) => void;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 1_500;
const LOOK_AT = 50;

export class InvestigationFollower {
  /** Ids of those that are, or were, followed, and of those that had ended before. */
  readonly #known = new Set<string>();
  /** Those whose end is still to be told. */
  readonly #followed = new Set<string>();
  readonly #waiting: RecentInvestigation[] = [];
  #hasLooked = false;

  constructor(
    private readonly client: GraphClient,
    private readonly options: FollowInvestigationsOptions,
  ) {}

  /**
   * Draws the line between those that are history and those that are followed; an agents domain that is away leaves that to
   * a later look.
   */
  async look(): Promise<void> {
    const recent = await this.client
      .execute<RecentInvestigations>(RECENT_INVESTIGATIONS, { first: LOOK_AT })
      .catch(() => undefined);
    const nodes = recent?.data?.investigations?.nodes;
    if (nodes === undefined) return;
    for (const found of nodes.toReversed()) {
      if (this.#known.has(found.id)) continue;
      this.#known.add(found.id);
      if (!this.#hasLooked && found.finishedAt !== null) continue;
      this.#followed.add(found.id);
      this.#waiting.push(found);
    }
    this.#hasLooked = true;
  }

  /** Whether its end is going to be told by following it. */
  isFollowed(id: string): boolean {
    return this.#followed.has(id);
  }

  /** Keeps an investigation that was told otherwise from being told again. */
  skip(id: string): void {
    this.#known.add(id);
  }

  /** Follows those that were found, and looks for others. Resolves when the signal aborts. */
  async run(): Promise<void> {
    const { signal } = this.options;
    const following = new Set<Promise<void>>();
    while (!signal.aborted) {
      for (const investigation of this.#waiting.splice(0)) {
        const one = this.#follow(investigation).finally(() => following.delete(one));
        following.add(one);
      }
      await sleep(LOOK_EVERY_MS, signal);
      if (!signal.aborted) await this.look();
    }
    await Promise.all(following);
  }

  async #follow({ id, alertId }: RecentInvestigation): Promise<void> {
    const { onProgress, signal } = this.options;
    const ended = new AbortController();
    try {
      const told = await this.client.execute<AlertTitle>(ALERT_TITLE, { id: alertId });
      const alert = { id: alertId, title: told.data?.alert?.title ?? null };
      await this.client.follow<InvestigationProgress | CaughtUp | ResyncRequired>(
        FOLLOW_INVESTIGATION,
        { id },
        {
          signal: AbortSignal.any([signal, ended.signal]),
          onItem: (item) => {
            if (item?.__typename !== 'InvestigationProgress') return;
            onProgress({ ...item, alert });
            if (item.kind !== 'ENDED') return;
            this.#followed.delete(id);
            ended.abort();
          },
        },
      );
    } catch {
      // One investigation that cannot be followed costs its own lines; the alerts' stream tells what is wrong with the site.
    }
  }
}
