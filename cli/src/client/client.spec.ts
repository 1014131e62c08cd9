import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { createClient, GraphRequestError } from './index.js';

interface Item {
  readonly cursor: string;
}

const DOCUMENT = 'subscription S($after: String) { counted(after: $after) { cursor } }';
const SCHEMA = buildSchema(`
  type Item { cursor: String! }
  type Query { hello: String }
  type Subscription { counted(after: String): Item! }
`);

/** A live field that counts from behind `after` to `last`; `cutAt` names the items after which it cuts every connection. */
async function serveCounter(options: { last: number; cutAt?: Set<number>; port?: number; token?: string }) {
  const server: Server = createServer((_, response) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ errors: [{ message: 'The API key is expired', extensions: { code: 'UNAUTHENTICATED' } }] }),
    );
  });
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const starts: (string | null)[] = [];
  async function* counted({ after }: { after?: string }) {
    starts.push(after ?? null);
    for (let number = Number(after ?? 0) + 1; number <= options.last; number++) {
      yield { counted: { cursor: String(number) } };
      if (options.cutAt?.delete(number)) {
        for (const socket of sockets.clients as Set<WebSocket>) socket.terminate();
        return;
      }
    }
  }
  useServer(
    {
      schema: SCHEMA,
      roots: { subscription: { counted } },
      onConnect: ({ connectionParams }) => connectionParams?.authorization === `Bearer ${options.token ?? 'right'}`,
    },
    sockets,
  );
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const close = (): void => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  };
  onTestFinished(close);
  return { close, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, starts };
}

describe('following a live field', () => {
  it('gets each item once and in order although the connection is cut again and again', async () => {
    const { url, starts } = await serveCounter({ last: 9, cutAt: new Set([2, 3, 7]) });
    const items: string[] = [];
    const reasons: string[] = [];
    const cursor = await createClient({ url, token: 'right' }).follow<Item>(
      DOCUMENT,
      {},
      {
        onItem: ({ cursor: at }) => void items.push(at),
        onDisconnect: (reason) => void reasons.push(reason),
      },
    );
    expect(items).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(cursor).toBe('9');
    expect(starts).toEqual([null, '2', '3', '7']);
    expect(reasons).toHaveLength(3);
  });

  it('tells once that the connection is lost, however often it is tried, and once that it is back', async () => {
    const told: string[] = [];
    const first = await serveCounter({ last: 4, cutAt: new Set([2]) });
    const following = createClient({ url: first.url, token: 'right' }).follow<Item>(
      DOCUMENT,
      {},
      {
        onItem: ({ cursor }) => {
          told.push(cursor);
          if (cursor === '2') first.close();
        },
        onDisconnect: () => void told.push('lost'),
        onReconnect: () => void told.push('back'),
      },
    );
    await vi.waitFor(() => expect(told).toContain('lost'));
    await sleep(1_500); // several tries: the waits between them begin at a tenth of a second
    await serveCounter({ last: 4, port: Number(new URL(first.url).port) });
    await following;
    expect(told).toEqual(['1', '2', 'lost', 'back', '3', '4']);
  });

  it('begins behind the cursor that it is given', async () => {
    const { url } = await serveCounter({ last: 5 });
    const items: string[] = [];
    await createClient({ url: `${url}/graphql`, token: 'right' }).follow<Item>(
      DOCUMENT,
      { after: '3' },
      {
        onItem: ({ cursor }) => void items.push(cursor),
      },
    );
    expect(items).toEqual(['4', '5']);
  });

  it('does not count an item as reached whose handling failed', async () => {
    const { url } = await serveCounter({ last: 3 });
    const following = createClient({ url, token: 'right' }).follow<Item>(
      DOCUMENT,
      {},
      {
        onItem: () => {
          throw new RangeError('full');
        },
      },
    );
    await expect(following).rejects.toThrow('full');
  });

  it('ends when its signal aborts', async () => {
    const { url } = await serveCounter({ last: Number.POSITIVE_INFINITY });
    const ended = new AbortController();
    const items: string[] = [];
    await createClient({ url, token: 'right' }).follow<Item>(
      DOCUMENT,
      {},
      {
        signal: ended.signal,
        onItem: ({ cursor }) => {
          items.push(cursor);
          if (items.length === 3) ended.abort();
        },
      },
    );
    expect(items).toEqual(['1', '2', '3']);
  });

  it('gives up at once on a token that is not accepted', async () => {
    const { url } = await serveCounter({ last: 1, token: 'other' });
    const following = createClient({ url, token: 'wrong' }).follow<Item>(DOCUMENT, {}, { onItem: () => undefined });
    await expect(following).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('gives up at once on a document that the graph refuses', async () => {
    const { url } = await serveCounter({ last: 1 });
    const following = createClient({ url, token: 'right' }).follow(
      'subscription { nothing }',
      {},
      { onItem: () => undefined },
    );
    await expect(following).rejects.toBeInstanceOf(GraphRequestError);
  });
});

describe('asking the graph', () => {
  it.each([
    ['NOT_THE_GATEWAY', '{"data":{}}'],
    ['NOT_THE_GATEWAY', '{"data":{"events":"x"}}'],
    ['NOT_THE_GATEWAY', '{"data":{"events":{"nodes":[{}],"pageInfo":{"endCursor":null}}}}'],
    ['NOT_THE_GATEWAY', '{"data":{"events":{"nodes":[1],"pageInfo":{"endCursor":null}}}}'],
    // So answers a proxy, too, while the gateway behind it is away.
    ['SERVICE_UNAVAILABLE', '<html></html>'],
    ['SERVICE_UNAVAILABLE', '[]'],
  ])('says that what answers is no gateway, and by %s whether that may pass: %s', async (code, answer) => {
    const server = createServer((_, response) => response.end(answer));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const client = createClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'right' });
    await expect(client.query('{ events { nodes { id } pageInfo { endCursor } } }')).rejects.toMatchObject({
      code,
      publicMessage: expect.stringContaining('is it the gateway?'),
    });
  });

  it("throws the graph's own code and message", async () => {
    const { url } = await serveCounter({ last: 1 });
    const asking = createClient({ url, token: 'right' }).query('{ hello }');
    await expect(asking).rejects.toMatchObject({ code: 'UNAUTHENTICATED', publicMessage: 'The API key is expired' });
  });

  it('says that no gateway can be reached', async () => {
    const asking = createClient({ url: 'http://127.0.0.1:1', token: 'right' }).query('{ hello }');
    await expect(asking).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });
});
