/** A client behind a line that can be throttled to a byte a second, with many subscriptions on one socket. */
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.js';

export type SlowReaderOrder =
  /** Answered once each subscription has caught up. */
  | {
      readonly kind: 'open';
      readonly gateway: string;
      readonly token: string;
      readonly query: string;
      readonly subscriptions: number;
    }
  /** A byte a second from now on. */
  | { readonly kind: 'crawl' }
  | { readonly kind: 'hurry' }
  | { readonly kind: 'report' };

/** Answer to each order. */
export interface SlowReaderReport {
  /** Items that came. */
  readonly items: number;
  /** Subscriptions that were told to read again since they read too slowly. */
  readonly told: number;
  /** Close code of the socket; undefined while it is open. */
  readonly closed: number | undefined;
}

interface Item {
  readonly __typename: string;
  readonly reason?: string;
}

const told = new Set<number>();
let items = 0;
let closed: number | undefined;
let line: FaultProxy | undefined;

async function open({ gateway, token, query, subscriptions }: Extract<SlowReaderOrder, { kind: 'open' }>) {
  line = await startFaultProxy(gateway);
  const client = createClient({
    url: `${line.url.replace(/^http/, 'ws').replace(/\/$/, '')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}` },
    on: {
      closed: (event) => {
        closed = (event as { code: number }).code;
      },
    },
  });
  const caughtUp = Array.from({ length: subscriptions }, (_, n) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    client.subscribe<Record<string, Item>>(
      { query },
      {
        next: ({ data }) => {
          const item = Object.values(data ?? {})[0];
          items += 1;
          if (item?.__typename === 'CaughtUp') resolve();
          if (item?.reason === 'SLOW_CONSUMER') told.add(n);
        },
        error: reject,
        complete: () => reject(new Error('completed')),
      },
    );
    return promise;
  });
  await Promise.all(caughtUp);
}

async function obey(order: SlowReaderOrder): Promise<SlowReaderReport> {
  if (order.kind === 'open') await open(order);
  else if (order.kind === 'crawl') line?.throttle(1);
  else if (order.kind === 'hurry') await line?.heal();
  return { items, told: told.size, closed };
}

process.on('message', (order: SlowReaderOrder) => {
  obey(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
