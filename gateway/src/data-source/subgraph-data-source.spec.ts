import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../auth/authenticator.js';
import { createContext } from '../request-context.js';
import { ReadMerger } from './merge-reads.js';
import { SubgraphDataSource } from './subgraph-data-source.js';
import { SubgraphPool, type SubgraphResponse } from './subgraph-pool.js';

const session = { sharing: 'ann', expiresAt: Number.MAX_SAFE_INTEGER } as Session;

describe('what is sent to a subgraph', () => {
  let server: Server;
  let pool: SubgraphPool;
  let health: Health;
  let source: SubgraphDataSource;
  /** Requests that wait for an answer, in the order of their arrival. */
  let held: ServerResponse[];

  beforeEach(async () => {
    held = [];
    server = createServer((request: IncomingMessage, response) => {
      request.resume();
      held.push(response);
      server.emit('held');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    pool = new SubgraphPool('alerts', `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
    health = new Health('gateway');
    source = new SubgraphDataSource({
      pool,
      reads: new ReadMerger<SubgraphResponse>(),
      signFor: async () => 'Bearer token',
      health,
      log: createLog('gateway', 'silent'),
    });
  });
  afterEach(async () => {
    await pool.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const process = (operation: 'query' | 'mutation', query: string, timeoutMs: number) =>
    source.process({
      request: { query },
      context: { ...createContext(session), deadlineAt: Date.now() + timeoutMs },
      incomingRequestContext: { operation: { operation } },
    } as unknown as Parameters<typeof source.process>[0]);
  const answer = (response: ServerResponse | undefined, counter: number) =>
    response?.end(JSON.stringify({ data: { counter } }));

  it('is asked again by a read that joined one whose time was up before its own', async () => {
    const first = process('query', '{ counter }', 300).catch((error: unknown) => error);
    await once(server, 'held');
    const joined = process('query', '{ counter }', 60_000);
    const repeated = once(server, 'held');
    expect(await first).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await repeated;
    answer(held[1], 7);
    expect(await joined).toEqual({ data: { counter: 7 } });
    expect(held).toHaveLength(2);
  });

  it.each([
    ['refuses every token', 401, '{"errors":[]}', 'refuses the internal token'],
    ['answers no GraphQL', 502, '<html>', 'answers 502 and no GraphQL'],
  ])('shows in health when it %s, until it answers again', async (_name, status, body, reason) => {
    const ask = async (statusCode: number, text: string): Promise<unknown> => {
      const asked = process('query', '{ counter }', 60_000).catch((error: unknown) => error);
      await once(server, 'held');
      held.at(-1)?.writeHead(statusCode).end(text);
      return asked;
    };
    const component = () => health.report().components['subgraph:alerts'];
    expect(await ask(status, body)).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(component()).toMatchObject({ state: 'degraded', reason });
    await ask(200, '{"data":{"counter":1}}');
    expect(component()).toMatchObject({ state: 'up' });
  });

  it('is asked anew after a mutation whose answer was lost', async () => {
    const before = process('query', '{ counter }', 60_000);
    await once(server, 'held');
    const mutation = process('mutation', 'mutation { count }', 60_000).catch((error: unknown) => error);
    await once(server, 'held');
    held[1]?.destroy();
    expect(await mutation).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    const repeated = once(server, 'held');
    const after = process('query', '{ counter }', 60_000);
    await repeated;
    answer(held[0], 1);
    answer(held[2], 2);
    expect(await Promise.all([before, after])).toEqual([{ data: { counter: 1 } }, { data: { counter: 2 } }]);
  });
});
