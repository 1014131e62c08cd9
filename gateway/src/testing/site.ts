/** A whole small site for the specs: keys, two subgraphs, and a gateway over them, all on real sockets. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeServices } from '@apollo/composition';
import {
  AGENTS_ISSUER,
  type ApiKey,
  ApiKeyVerifier,
  createApiKey,
  GATEWAY_ISSUER,
  type Principal,
  type Role,
  readApiKeys,
  TokenSigner,
  TokenVerifier,
  writeApiKeys,
} from '@aurorasoc/kit/auth';
import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { parse } from 'graphql';
import { Authenticator } from '../auth/authenticator.js';
import { INTERNAL_TOKEN_SECONDS } from '../auth/internal-tokens.js';
import { createGateway, type Gateway, type GatewayOptions } from '../gateway.js';
import { loadSupergraph } from '../supergraph.js';
import type { SubgraphServer } from './subgraph-server.js';
import { AGENTS_SDL, ALERTS_SDL, AlertsSubgraph, createAgentsSubgraph } from './subgraphs.js';

export interface GraphAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly data?: Record<string, unknown> | null;
  readonly errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

export interface Site {
  readonly url: string;
  readonly alerts: AlertsSubgraph;
  readonly agents: SubgraphServer;
  readonly health: Health;
  readonly gateway: Gateway;
  /** API keys of three people; ann and ann2 are two keys of one person. */
  readonly keys: Readonly<Record<'ann' | 'ann2' | 'bob', string>>;
  revoke(keyText: string): void;
  addKey(options: { subject: string; roles?: Role[]; expiresAt?: Date }): string;
  /** A token as the agents domain makes it for an investigation. */
  investigationToken(lifetimeSeconds: number, audience?: string): Promise<string>;
  query(
    query: string,
    options?: { token?: string | undefined; variables?: Record<string, unknown>; headers?: Record<string, string> },
  ): Promise<GraphAnswer>;
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

export const TENANT = '018f0000-0000-7000-8000-000000000001';
const NOBODY = 'http://127.0.0.1:1/graphql';
const silent = createLog('gateway', 'silent');

/**
 * @param agentsSdl - of the second subgraph.
 * @param urls - `routing_url` per subgraph; where nobody listens unless told otherwise.
 */
export function composeFixtures(agentsSdl = AGENTS_SDL, urls: { alerts?: string; agents?: string } = {}) {
  const { supergraphSdl, errors } = composeServices([
    { name: 'alerts', url: urls.alerts ?? NOBODY, typeDefs: parse(ALERTS_SDL) },
    { name: 'agents', url: urls.agents ?? NOBODY, typeDefs: parse(agentsSdl) },
  ]);
  if (errors) throw new Error(errors.map((error) => error.message).join('\n'));
  return loadSupergraph(supergraphSdl);
}

export async function startSite(overrides: Partial<GatewayOptions> = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'aurora-gateway-'));
  const keyFile = join(folder, 'api-keys.json');
  const gatewayKeys = generateKeyPairSync('ed25519');
  const agentsKeys = generateKeyPairSync('ed25519');
  writeApiKeys(keyFile, []);
  const addKey: Site['addKey'] = ({ subject, roles = ['analyst'], expiresAt }) => {
    const { key, text } = createApiKey({
      tenant: TENANT,
      subject,
      kind: 'user',
      roles,
      ...(expiresAt ? { expiresAt: expiresAt.toISOString() } : {}),
    });
    writeApiKeys(keyFile, [...readApiKeys(keyFile), key]);
    return text;
  };
  const keys = { ann: addKey({ subject: 'ann' }), ann2: addKey({ subject: 'ann' }), bob: addKey({ subject: 'bob' }) };

  const internal = (audience: string) =>
    new TokenVerifier(audience, new Map([[GATEWAY_ISSUER, gatewayKeys.publicKey]]));
  const alerts = new AlertsSubgraph(internal('alerts'));
  const agents = createAgentsSubgraph(internal('agents'));
  await Promise.all([alerts.start(), agents.start()]);

  const health = new Health('gateway');
  const gateway = await createGateway({
    supergraph: composeFixtures(),
    subgraphUrls: new Map([
      ['alerts', alerts.url],
      ['agents', agents.url],
    ]),
    authenticator: new Authenticator(
      new ApiKeyVerifier(keyFile, health, silent),
      new TokenVerifier('gateway', new Map([[AGENTS_ISSUER, agentsKeys.publicKey]])),
    ),
    signer: new TokenSigner(GATEWAY_ISSUER, gatewayKeys.privateKey, INTERNAL_TOKEN_SECONDS),
    host: '127.0.0.1',
    port: 0,
    operationLimits: { maxTokens: 1_000, maxDepth: 10, maxAliases: 15, maxVariableValues: 2_000, introspection: true },
    health,
    log: silent,
    recheckMs: 100,
    drainMs: 200,
    ...overrides,
  });
  let isStopped = false;

  return {
    url: gateway.url,
    alerts,
    agents,
    health,
    gateway,
    keys,
    addKey,
    revoke: (text) =>
      writeApiKeys(
        keyFile,
        readApiKeys(keyFile).filter((key: ApiKey) => !text.includes(key.id)),
      ),
    investigationToken: (lifetimeSeconds, audience = 'gateway') => {
      const principal: Principal = {
        tenant: TENANT,
        subject: 'ann',
        kind: 'agent',
        scopes: ['alerts:read'],
        actor: 'triage',
      };
      return new TokenSigner(AGENTS_ISSUER, agentsKeys.privateKey, lifetimeSeconds).sign(
        principal,
        audience,
        Math.floor(Date.now() / 1000) + lifetimeSeconds,
      );
    },
    query: async (query, options = {}) => {
      const token = 'token' in options ? options.token : keys.ann;
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...options.headers,
        },
        body: JSON.stringify({ query, variables: options.variables }),
      });
      return { status: response.status, headers: response.headers, ...((await response.json()) as object) };
    },
    metric: async (name) => {
      const text = await (await fetch(`${gateway.url}/metrics`)).text();
      const line = text.split('\n').find((candidate) => candidate.startsWith(name) && !candidate.startsWith('#'));
      return Number(line?.split(' ').at(-1) ?? Number.NaN);
    },
    stop: async () => {
      if (isStopped) return;
      isStopped = true;
      await gateway.stop();
      await Promise.all([alerts.kill(), agents.kill()]);
      rmSync(folder, { recursive: true });
    },
  };
}
