/** The gateway's HTTP side: `/graphql` for queries and mutations, `/healthz`, `/readyz`, `/metrics`. */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { HeaderMap } from '@apollo/server';
import { AuroraError, TransientError } from '@aurorasoc/kit/errors';
import { answerHealth, type Health } from '@aurorasoc/kit/health';
import { readBody, refuse } from '@aurorasoc/kit/http';
import type { Logger } from '@aurorasoc/kit/log';
import { inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import type { Authenticator } from '../auth/authenticator.js';
import { errorBody } from '../errors.js';
import type { GatewayMetrics, Outcome } from '../metrics.js';
import { createContext, requestIdFrom, withRequestId } from '../request-context.js';
import type { ServedGraph } from '../served-graph.js';
import { answerCors } from './cors.js';
import { parseBody } from './parse-body.js';
import { refuseDocument } from './refuse-document.js';
import { targetOf } from './request-target.js';

export interface HttpOptions {
  /** What is served now. */
  readonly graph: () => ServedGraph;
  readonly authenticator: Authenticator;
  readonly health: Health;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly allowedOrigins: readonly string[];
  readonly maxBodyBytes: number;
  readonly maxTokens: number;
  /** Longest time in which a client may send a request, milliseconds; node:http then answers 408 and ends the connection. */
  readonly requestTimeoutMs: number;
  /** True once the gateway stops: nothing new is begun. */
  readonly isDraining: () => boolean;
}

/** How often node:http looks for requests that are late; its own 30 s would double the timeout. */
const TIMEOUT_CHECK_MS = 1_000;

export function serveHttp(options: HttpOptions): Server {
  const server = createServer(timeouts(options.requestTimeoutMs), (request, response) => {
    const requestId = requestIdFrom(request.headers['x-request-id']);
    response.setHeader('x-request-id', requestId);
    void withRequestId(requestId, () => answer(request, response, requestId, options));
  });
  return server;
}

function timeouts(requestTimeoutMs: number): ServerOptions {
  return {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeoutMs),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  options: HttpOptions,
): Promise<void> {
  try {
    const target = targetOf(request);
    const health = target && (await answerHealth(options.health, target.path));
    if (health) {
      response.writeHead(health.status, { 'content-type': health.type });
      return void response.end(health.body);
    }
    if (target?.path !== '/graphql')
      throw new AuroraError({ code: 'NOT_FOUND', publicMessage: 'The graph is served on /graphql' });
    if (answerCors(request, response, options.allowedOrigins)) return;
    if (options.isDraining())
      throw new TransientError('This gateway is about to stop; try again', { retryAfterSeconds: 1 });
    await answerGraphql(request, response, target.search, requestId, options);
  } catch (error) {
    refuse(request, response, error, options.log, errorBody);
  }
}

async function answerGraphql(
  request: IncomingMessage,
  response: ServerResponse,
  search: string,
  requestId: string,
  options: HttpOptions,
): Promise<void> {
  const startedAt = performance.now();
  let outcome: Outcome = 'refused';
  try {
    const session = await options.authenticator.authenticate(request.headers.authorization);
    const body =
      request.method === 'POST'
        ? parseBody(request.headers['content-type'], await readBody(request, options.maxBodyBytes))
        : undefined;
    refuseDocument(body, search, options.maxTokens);
    // The operation's time begins now: a slow upload is the client's, and must not look like a subgraph that does not answer.
    const context = createContext(session, requestId);
    const headers = headerMap(request);
    const result = await inSpan('graphql', { kind: SpanKind.SERVER, parent: headers.get('traceparent') }, (span) =>
      options.graph().apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: { method: request.method ?? 'GET', headers, search, body },
        context: () => Promise.resolve({ ...context, span }),
      }),
    );
    outcome = (result.status ?? 200) >= 400 ? 'error' : 'ok';
    response.statusCode = result.status ?? 200;
    for (const [name, value] of result.headers) response.setHeader(name, value);
    // Headers that are not yet written when the whole body is known get its length, and no chunks.
    if (result.body.kind === 'complete') return void response.end(result.body.string);
    for await (const chunk of result.body.asyncIterator) response.write(chunk);
    response.end();
  } finally {
    options.metrics.requestSeconds.observe({ transport: 'http', outcome }, (performance.now() - startedAt) / 1000);
  }
}

function headerMap(request: IncomingMessage): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  return headers;
}
