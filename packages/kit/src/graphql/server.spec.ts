import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Arg, Query, Resolver } from 'type-graphql';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { TokenSigner, TokenVerifier } from '../auth/tokens.js';
import { createLog } from '../log.js';
import { buildDomainSchema } from './build-schema.js';
import { Rights } from './rights.js';
import { type SubgraphServer, serveSubgraph } from './server.js';

@Resolver()
class GreetingResolver {
  @Rights('alerts:read')
  @Query(() => String, { description: 'Says hello.' })
  hello(): string {
    return 'hello';
  }

  @Rights('alerts:read')
  @Query(() => Boolean, { description: 'Whether a moment has passed.' })
  isPast(@Arg('moment', () => Date, { description: 'The moment.' }) moment: Date): boolean {
    return moment.getTime() < Date.now();
  }
}

const MIB = 1024 * 1024;
const keys = generateKeyPairSync('ed25519');

describe('a subgraph to the gateway', () => {
  let server: SubgraphServer;
  let token: string;
  let verifier: TokenVerifier;

  const serve = async (): Promise<SubgraphServer> =>
    serveSubgraph({
      schema: await buildDomainSchema({ resolvers: [GreetingResolver], references: {} }),
      port: 0,
      host: '127.0.0.1',
      verifier,
      contextFor: (base) => base,
      log: createLog('test', 'silent'),
    });

  beforeEach(async () => {
    token = await new TokenSigner('aurora-gateway', keys.privateKey, 30).sign(
      { tenant: '0198c0de-0000-7000-8000-00000000000a', subject: 'ann', kind: 'user', scopes: ['alerts:read'] },
      'alerts',
      Math.floor(Date.now() / 1000) + 60,
    );
    verifier = new TokenVerifier('alerts', new Map([['aurora-gateway', keys.publicKey]]));
    server = await serve();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await server.stop();
  });

  /** Sends in chunks, without a length. */
  async function post(...chunks: (string | Buffer)[]): Promise<{ status: number | undefined; body: unknown }> {
    const outgoing = request({
      port: server.port,
      host: '127.0.0.1',
      path: '/graphql',
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    const answered = once(outgoing, 'response');
    for (const chunk of chunks) outgoing.write(chunk);
    // As most clients do: they look at an answer only when they have sent everything.
    await new Promise<void>((resolve, reject) => outgoing.once('error', reject).end(resolve));
    const [response] = (await answered) as [IncomingMessage];
    const text = await response.toArray();
    return { status: response.statusCode, body: JSON.parse(Buffer.concat(text as Buffer[]).toString('utf8')) };
  }

  it('answers, and after a body of 10 MiB that nobody announced it says why it does not', async () => {
    expect(await post('{"query":', '"{ hello }"}')).toEqual({ status: 200, body: { data: { hello: 'hello' } } });
    const refused = await post(...Array.from({ length: 10 }, () => Buffer.alloc(MIB, ' ')));
    expect(refused).toMatchObject({
      status: 413,
      body: { errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE', field: 'body' } }] },
    });
  });

  it('names the variable or the argument that is no moment, and does not send a long value back', async () => {
    const query = 'query ($since: DateTime!) { isPast(moment: $since) }';
    const value = 'x'.repeat(300_000);
    const inVariable = await post(JSON.stringify({ query, variables: { since: value } }));
    expect(inVariable.body).toMatchObject({
      errors: [
        {
          message: expect.stringMatching(/^Variable "\$since" got invalid value "x+ … x+"; .*DateTime takes a moment/),
          extensions: { code: 'BAD_USER_INPUT', field: 'since' },
        },
      ],
    });
    const inText = await post(JSON.stringify({ query: `{ isPast(moment: "${value}") }` }));
    expect(inText.body).toMatchObject({
      errors: [
        {
          message: expect.stringMatching(/^DateTime takes a moment as RFC 3339 writes it/),
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED', field: 'moment' },
        },
      ],
    });
    for (const { body } of [inVariable, inText]) expect(JSON.stringify(body).length).toBeLessThan(1_000);
    const inPlace = await post(JSON.stringify({ query, variables: { since: 'noon' } }));
    expect(inPlace.body).toMatchObject({
      errors: [{ message: expect.stringMatching(/"noon"; .*DateTime takes a moment/), extensions: { field: 'since' } }],
    });
  });

  it('closes a socket as not signed in for a bad token, and as its own failure when the check of it failed', async () => {
    const connect = async (authorization: string): Promise<unknown> => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/graphql`, 'graphql-transport-ws');
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }));
      const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
      return [code, String(reason)];
    };
    vi.spyOn(console, 'error').mockReturnValue();
    expect(await connect('Bearer nonsense')).toEqual([4403, 'Forbidden']);
    vi.spyOn(verifier, 'verify').mockRejectedValue(new TypeError('secret is not a function'));
    expect(await connect('Bearer nonsense')).toEqual([4500, 'Internal server error']);
  });

  it('closes its sockets as going away when it stops', async () => {
    const stopped = await serve();
    const socket = new WebSocket(`ws://127.0.0.1:${stopped.port}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    await once(socket, 'message');
    const closed = once(socket, 'close');
    await stopped.stop();
    expect((await closed)[0]).toBe(1001);
  });

  it('says what is wrong with a body that is no JSON', async () => {
    expect(await post('{"query":')).toMatchObject({
      status: 400,
      body: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    });
  });
});
