/**
 * A gateway for specs: the alerts domain's part of the graph answers from an event graph, everything else is passed on to the
 * real subgraph of this domain with an internal token, as the gateway does. Tokens and the size of operations are checked as the
 * gateway checks them.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import {
  bearerToken,
  hasScope,
  type Principal,
  readPrivateKey,
  readPublicKey,
  TokenSigner,
  TokenVerifier,
} from '@aurorasoc/kit/auth';
import { closeServer, listen } from '@aurorasoc/kit/health';
import { buildSchema, GraphQLError, type GraphQLSchema, graphql, parse, visit } from 'graphql';
import type { StoredEvent } from '../fleet/tools/graph-tools.js';
import { GATEWAY_LIMITS } from '../graph/gateway-limits.js';
import type { EventGraph } from './event-graph.js';
import type { TestKeys } from './keys.js';

const ALERTS_SCHEMA = buildSchema(`
  scalar DateTime
  scalar JSONObject
  input TimeRangeInput { from: DateTime! to: DateTime! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Event { id: ID! timestamp: DateTime! document: JSONObject! }
  type EventConnection { nodes: [Event!]! pageInfo: PageInfo! }
  type Alert {
    id: ID! title: String! severity: String! techniques: [String!]! count: Int! firstSeenAt: DateTime! lastSeenAt: DateTime! traceparent: String
    events(first: Int, after: String): EventConnection!
  }
  type Query {
    alert(id: ID!): Alert
    event(id: ID!): Event
    events(query: String, range: TimeRangeInput, first: Int, after: String): EventConnection!
  }
`);

export interface TestGatewayOptions {
  readonly keys: TestKeys;
  /** What the alerts domain holds; may be replaced at any time. */
  graph: EventGraph;
  /** The real subgraph of this domain. */
  readonly subgraphUrl?: string;
}

export interface TestGateway {
  readonly url: string;
  /** Principals of the operations, in order. */
  readonly seen: { principal: Principal; query: string }[];
  /** While set, every operation is answered with this status. */
  failWith: number | undefined;
  /** Operations whose text it finds are refused. */
  refuse: RegExp | undefined;
  stop(): Promise<void>;
}

export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const verifier = new TokenVerifier(
    'gateway',
    new Map([['aurora-agents', readPublicKey(options.keys.agents.publicFile)]]),
  );
  const signer = new TokenSigner('aurora-gateway', readPrivateKey(options.keys.gateway.privateFile), 30);
  const seen: TestGateway['seen'] = [];
  const answer = async (request: IncomingMessage): Promise<{ status: number; body: string }> => {
    const token = bearerToken(request.headers.authorization);
    const identity = token === undefined ? undefined : await verifier.verify(token).catch(() => undefined);
    if (!identity) return { status: 401, body: '{}' };
    if (gateway.failWith !== undefined) return { status: gateway.failWith, body: '{}' };
    const body = await readAll(request);
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    seen.push({ principal: identity.principal, query });
    const refusal = gateway.refuse?.test(query)
      ? new GraphQLError('refused', { extensions: { code: 'INTERNAL_SERVER_ERROR' } })
      : refuseBeyondLimits(query);
    if (refusal) return { status: 200, body: JSON.stringify({ errors: [refusal] }) };
    if (/delegateTask|task\(/.test(query))
      return passOn(
        options.subgraphUrl ?? '',
        body,
        await signer.sign(identity.principal, 'agents', identity.sessionExpiresAt),
        request.headers.traceparent,
      );
    return {
      status: 200,
      body: JSON.stringify(
        await graphql({
          schema: ALERTS_SCHEMA as GraphQLSchema,
          source: query,
          variableValues: variables,
          rootValue: alertsRoot(options.graph, identity.principal),
        }),
      ),
    };
  };
  const server: Server = createServer((request, response) => {
    void answer(request).then(({ status, body }) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body),
    );
  });
  const port = await listen(server, 0, '127.0.0.1');
  const gateway: TestGateway = {
    url: `http://127.0.0.1:${port}`,
    seen,
    failWith: undefined,
    refuse: undefined,
    stop: () => closeServer(server, 100),
  };
  return gateway;
}

/** Documents with fragments are beyond it; ours have none that nest. */
function refuseBeyondLimits(query: string): GraphQLError | undefined {
  const { maxTokens, maxAliases, maxDepth } = GATEWAY_LIMITS;
  let [aliases, depth, deepest] = [0, 0, 0];
  visit(parse(query, { maxTokens }), {
    Field: {
      enter: ({ alias, name }) => {
        if (alias !== undefined && alias.value !== name.value) aliases++;
        deepest = Math.max(deepest, ++depth);
      },
      leave: () => void depth--,
    },
  });
  if (aliases <= maxAliases && deepest <= maxDepth) return undefined;
  return new GraphQLError(`The document has ${aliases} aliases and is ${deepest} fields deep`, {
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  });
}

async function passOn(
  url: string,
  body: string,
  token: string,
  traceparent: unknown,
): Promise<{ status: number; body: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...(typeof traceparent === 'string' ? { traceparent } : {}),
    },
    body,
  });
  return { status: response.status, body: await response.text() };
}

function alertsRoot({ alerts, events }: EventGraph, principal: Principal) {
  const page = (found: readonly StoredEvent[], first = 50) => ({
    nodes: [...found].reverse().slice(0, first),
    pageInfo: { hasNextPage: found.length > first },
  });
  return {
    alert: ({ id }: { id: string }) => {
      if (!hasScope(principal, 'alerts:read'))
        throw new GraphQLError('This needs the scope alerts:read', { extensions: { code: 'FORBIDDEN' } });
      const alert = alerts.find((candidate) => candidate.id === id);
      if (!alert || (alert.tenant !== undefined && alert.tenant !== principal.tenant)) return null;
      const matched = events.filter((event) => alert.eventIds.includes(event.id));
      const times = matched.map((event) => event.timestamp).sort();
      return {
        ...alert,
        count: matched.length,
        firstSeenAt: times[0],
        lastSeenAt: times.at(-1),
        events: ({ first }: { first?: number }) => page(matched, first),
      };
    },
    event: ({ id }: { id: string }) => events.find((event) => event.id === id) ?? null,
    events: ({ query, range, first }: { query?: string; range?: { from: string; to: string }; first?: number }) => {
      const terms = readTerms(query ?? '');
      const isInRange = ({ timestamp }: StoredEvent): boolean =>
        !range || (timestamp >= range.from && timestamp < range.to);
      return page(
        events.filter(
          (event) =>
            isInRange(event) &&
            terms.every(([field, value]) => fieldOf(event, field)?.toLowerCase() === value.toLowerCase()),
        ),
        first,
      );
    },
  };
}

/** The search language as the contract states it, read independently of the code that writes it. */
export function readTerms(query: string): [field: string, value: string][] {
  const terms: [string, string][] = [];
  let rest = query;
  while (rest !== '') {
    const match = /^([\w@.-]+):"((?:[^"\\]|\\["\\])*)"(?:\s+(?:AND\s+)?|$)/su.exec(rest);
    if (!match) throw new Error(`not a query at: ${rest}`);
    terms.push([match[1] ?? '', (match[2] ?? '').replace(/\\(["\\])/g, '$1')]);
    rest = rest.slice(match[0].length);
  }
  return terms;
}

function fieldOf(event: StoredEvent, field: string): string | undefined {
  const value = field
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], event.document);
  return value === undefined ? undefined : String(value);
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
