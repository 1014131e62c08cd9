import { createServer, type RequestListener, type Server } from 'node:http';
import { closeServer, listen } from '@aurorasoc/kit/health';
import { afterEach, describe, expect, it } from 'vitest';
import { SubgraphPool } from './subgraph-pool.js';

describe('requests to a subgraph', () => {
  let server: Server | undefined;
  let pool: SubgraphPool | undefined;
  afterEach(async () => {
    await pool?.close();
    if (server) await closeServer(server, 0);
  });
  const serve = async (listener: RequestListener): Promise<SubgraphPool> => {
    server = createServer(listener);
    const port = await listen(server, 0, '127.0.0.1');
    pool = new SubgraphPool('alerts', `http://127.0.0.1:${port}/graphql`);
    return pool;
  };
  const request = { body: '{}', headers: {}, timeoutMs: 100 };

  it('give up at the deadline, before or in the middle of the answer', async () => {
    const silent = await serve(() => undefined);
    await expect(silent.post(request)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      retryAfterSeconds: 2,
      context: { service: 'alerts' },
    });
    await closeServer(server as Server, 0);
    const halting = await serve((_request, response) => void response.write('{"data":'));
    await expect(halting.post(request)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('name a subgraph that is away or hangs up', async () => {
    const hangingUp = await serve((incoming) => incoming.socket.destroy());
    await expect(hangingUp.post(request)).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryAfterSeconds: 2,
      context: { service: 'alerts' },
    });
    await closeServer(server as Server, 0);
    await expect(hangingUp.post(request)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });
});
