/** A client that always resumes: follows `alertChanged` and keeps what it was given, in order. */
import { createClient } from '@aurorasoc/cli/client';

const ALERT_CHANGED = `subscription ($after: Cursor) { alertChanged(after: $after) {
  __typename
  ... on AlertChange { cursor alertId version alert { id version investigations { id } } }
  ... on CaughtUp { cursor }
  ... on ResyncRequired { since reason }
} }`;

interface Item {
  __typename: string;
  cursor: string;
  alertId: string;
  version: number;
  reason?: string;
}

export interface LiveClient {
  /** `alertId version`, in the order of arrival. */
  readonly received: readonly string[];
  /** Of each change that was received; later ones are greater. */
  readonly cursors: readonly string[];
  /** Where it began: the cursor of its first `CaughtUp`. */
  readonly began: string | undefined;
  readonly resyncs: readonly string[];
  readonly disconnects: number;
  /** When the last change came, by `performance.now()`. */
  readonly lastAt: number;
  /** Resolves when the first `CaughtUp` came. */
  readonly ready: Promise<void>;
  leave(): Promise<void>;
}

export function followAlerts(url: string, token: string): LiveClient {
  const received: string[] = [];
  const cursors: string[] = [];
  const resyncs: string[] = [];
  const leave = new AbortController();
  const state: { disconnects: number; lastAt: number; began?: string } = { disconnects: 0, lastAt: 0 };
  const { promise: ready, resolve: markReady, reject: rejectReady } = Promise.withResolvers<void>();
  const following = createClient({ url, token }).follow<Item>(
    ALERT_CHANGED,
    {},
    {
      signal: leave.signal,
      onDisconnect: () => {
        state.disconnects += 1;
      },
      onItem: (item) => {
        if (item.__typename === 'AlertChange') {
          state.lastAt = performance.now();
          received.push(`${item.alertId} ${item.version}`);
          cursors.push(item.cursor);
        } else if (item.__typename === 'ResyncRequired') resyncs.push(item.reason ?? '');
        else {
          state.began ??= item.cursor;
          markReady();
        }
      },
    },
  );
  // Told to whoever leaves, or asks whether it is ready.
  following.catch(rejectReady);
  return {
    received,
    cursors,
    get began() {
      return state.began;
    },
    resyncs,
    get disconnects() {
      return state.disconnects;
    },
    get lastAt() {
      return state.lastAt;
    },
    ready,
    leave: async () => {
      leave.abort();
      await following;
    },
  };
}
