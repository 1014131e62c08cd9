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
  alertId: string;
  version: number;
  reason?: string;
}

export interface LiveClient {
  /** `alertId version`, in the order of arrival. */
  readonly received: readonly string[];
  readonly resyncs: readonly string[];
  readonly disconnects: number;
  /** Resolves when the first `CaughtUp` came. */
  readonly ready: Promise<void>;
  leave(): Promise<void>;
}

export function followAlerts(url: string, token: string): LiveClient {
  const received: string[] = [];
  const resyncs: string[] = [];
  const leave = new AbortController();
  const state = { disconnects: 0 };
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });
  const following = createClient({ url, token }).follow<Item>(
    ALERT_CHANGED,
    {},
    {
      signal: leave.signal,
      onDisconnect: () => {
        state.disconnects += 1;
      },
      onItem: (item) => {
        if (item.__typename === 'AlertChange') received.push(`${item.alertId} ${item.version}`);
        else if (item.__typename === 'ResyncRequired') resyncs.push(item.reason ?? '');
        else markReady();
      },
    },
  );
  return {
    received,
    resyncs,
    get disconnects() {
      return state.disconnects;
    },
    ready,
    leave: async () => {
      leave.abort();
      await following;
    },
  };
}
