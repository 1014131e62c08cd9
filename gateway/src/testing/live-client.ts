/** A client of live fields for the specs: keeps what it got, and lets a spec wait for it. */
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface LiveItemSeen {
  readonly __typename: string;
  readonly cursor?: string;
  readonly since?: string;
  readonly reason?: string;
  readonly version?: number;
  readonly alertId?: string;
  readonly [field: string]: unknown;
}

export interface OpenSubscription {
  readonly payloads: { data?: Record<string, unknown> | null; errors?: readonly unknown[] }[];
  /** Items of the subscription's only field. */
  readonly items: LiveItemSeen[];
  /** Resolves with the error that ended it, or undefined when it completed. */
  readonly ended: Promise<unknown>;
  /** Resolves once `condition` holds; looks again at every item. */
  until(condition: (items: LiveItemSeen[]) => boolean): Promise<void>;
  stop(): void;
}

export interface LiveClient {
  readonly client: Client;
  /** Resolves with the code of the socket's closing. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Resolves once the gateway has let the client in. */
  readonly socket: Promise<WebSocket>;
  subscribe(query: string, variables?: Record<string, unknown>): OpenSubscription;
  dispose(): Promise<void>;
}

/** Never reconnects by itself: specs decide. */
export function connectLive(url: string, token: string | undefined): LiveClient {
  let resolveClosed: (event: { code: number; reason: string }) => void = () => undefined;
  let resolveSocket: (socket: WebSocket) => void = () => undefined;
  const socket = new Promise<WebSocket>((resolve) => {
    resolveSocket = resolve;
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    resolveClosed = resolve;
  });
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: false,
    onNonLazyError: () => undefined,
    connectionParams: token === undefined ? {} : { authorization: `Bearer ${token}` },
    on: {
      connected: (connected) => resolveSocket(connected as WebSocket),
      closed: (event) => resolveClosed(event as { code: number; reason: string }),
    },
  });
  return {
    client,
    closed,
    socket,
    subscribe: (query, variables = {}) => openSubscription(client, query, variables),
    dispose: async () => client.dispose(),
  };
}

function openSubscription(client: Client, query: string, variables: Record<string, unknown>): OpenSubscription {
  const payloads: OpenSubscription['payloads'] = [];
  const items: LiveItemSeen[] = [];
  const waiting = new Set<() => void>();
  let resolveEnd: (error: unknown) => void = () => undefined;
  const ended = new Promise<unknown>((resolve) => {
    resolveEnd = resolve;
  });
  const stop = client.subscribe(
    { query, variables },
    {
      next: (payload) => {
        payloads.push(payload as OpenSubscription['payloads'][number]);
        const [item] = Object.values((payload.data as Record<string, LiveItemSeen> | null) ?? {});
        if (item) items.push(item);
        for (const check of waiting) check();
      },
      error: (error) => resolveEnd(error),
      complete: () => resolveEnd(undefined),
    },
  );
  return {
    payloads,
    items,
    ended,
    stop,
    until: (condition) =>
      new Promise<void>((resolve) => {
        const check = (): void => {
          if (!condition(items)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

const WAIT_MS = 20_000;

/**
 * Waits until something outside becomes true; looks every few milliseconds.
 * @throws Error after 20 s, with the condition, and with what it threw last if it did.
 */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    let failure: unknown;
    try {
      if (await condition()) return;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline)
      throw new Error(`Not reached within ${WAIT_MS} ms: ${String(condition)}`, { cause: failure });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
