import { gzipSync } from 'node:zlib';
import { readPrivateKey, readPublicKey, TokenSigner } from '@aurorasoc/kit/auth';
import { closeServer } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENTS } from '../agent/agent-registry.js';
import { GraphClient } from '../graph/graph-client.js';
import { AgentTokens } from '../task/agent-tokens.js';
import { makeKeys } from '../testing/keys.js';
import { FleetGuard } from './authenticate.js';
import { type AgentServer, serveAgent } from './serve-agent.js';

const INTERNALS = /node_modules|\.js:\d|file:\/\/|call stack|\n\s*at /;
const orderOf = (data: string): string =>
  `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"data":${data}}]}}}`;
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe("an agent's server", () => {
  const keys = makeKeys();
  const graph = new GraphClient('http://127.0.0.1:1');
  let agent: AgentServer;
  let authorization: string;
  beforeAll(async () => {
    const tokens = new AgentTokens(new TokenSigner('aurora-agents', readPrivateKey(keys.agents.privateFile), 300));
    const { fleet } = await tokens.forTask({
      tenant: '00000000-0000-4000-8000-000000000001',
      requesterId: 'ann',
      requesterScopes: ['events:read'],
      agent: 'endpoint',
      investigationId: '0199bbbb-0000-7000-8000-000000000001',
    });
    authorization = `Bearer ${fleet}`;
    agent = await serveAgent({
      agent: AGENTS.endpoint,
      program: async () => ({}),
      graph,
      guard: new FleetGuard(readPublicKey(keys.agents.publicFile)),
      host: '127.0.0.1',
      port: 0,
      log: createLog('fleet', 'silent'),
    });
  });
  afterAll(async () => {
    agent.server.closeAllConnections();
    await closeServer(agent.server, 0);
    await graph.close();
    keys.remove();
  });

  it.each([
    ['in an unknown character set', { 'content-type': 'application/json; charset=nonsense' }, '{}', 415, -32_600],
    ['in an unknown encoding', { 'content-encoding': 'nonsense' }, '{}', 415, -32_600],
    ['said to be compressed', { 'content-encoding': 'gzip' }, '{}', 400, -32_700],
    ['of 10 MB', {}, `"${'x'.repeat(10_000_000)}"`, 413, -32_600],
    ['that is no JSON', {}, '{', 400, -32_700],
    ['nested 20,000 deep', {}, orderOf(nested(20_000)), 400, -32_600],
  ])('answers a request %s by an error of JSON-RPC without internals', async (_what, headers, body, status, code) => {
    const answer = await fetch(agent.url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', ...headers },
      body,
    });
    const text = await answer.text();
    expect(text).not.toMatch(INTERNALS);
    expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: null, error: { code, message: expect.any(String) } });
    expect(answer.status).toBe(status);
  });

  it('reads what is compressed, and data as deep as anybody needs', async () => {
    const answer = await fetch(agent.url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'content-encoding': 'gzip', 'a2a-version': '1.0' },
      body: gzipSync(orderOf(nested(50))),
    });
    expect(await answer.json()).toMatchObject({ id: 1, result: expect.anything() });
  });
});
