/**
 * Serves a subgraph to the gateway: queries over HTTP, live fields over WebSocket (graphql-transport-ws), both on
 * `/graphql`. Without a valid internal token nothing is answered, not even `_service`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ApolloServer, HeaderMap } from '@apollo/server';
import type { GraphQLSchema } from 'graphql';
import { bearerToken, type TokenVerifier } from '../auth/tokens.js';
import { AuroraError } from '../errors.js';
import { closeServer, listen } from '../health.js';
import { readBody } from '../http/body.js';
import { refuse } from '../http/refuse.js';
import type { Logger } from '../log.js';
import { inSpan, SpanKind } from '../telemetry.js';
import { formatError, publicExtensions } from './errors.js';
import type { PrincipalContext } from './rights.js';
import { serveLiveFields } from './socket.js';

export interface SubgraphServerOptions<C extends PrincipalContext> {
  readonly schema: GraphQLSchema;
  readonly port: number;
  readonly host: string;
  readonly verifier: TokenVerifier;
  /** The context of one operation. */
  readonly contextFor: (base: PrincipalContext) => C;
  readonly log: Logger;
}

export interface SubgraphServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** The gateway's own limit is 1 MiB per client; entity representations of a large page make its requests larger. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

export async function serveSubgraph<C extends PrincipalContext>(
  options: SubgraphServerOptions<C>,
): Promise<SubgraphServer> {
  const { schema, log } = options;
  const apollo = new ApolloServer<C>({
    schema,
    // The gateway, the only client, was composed from the same text.
    introspection: false,
    csrfPrevention: false,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    formatError: (formatted, error) => formatError(formatted, error, log),
    logger: {
      debug: (message) => log.trace(message),
      info: (message) => log.debug(message),
      warn: (message) => log.warn(message),
      error: (message) => log.error(message),
    },
  });
  await apollo.start();
  const server = createServer((request, response) => void answer(options, apollo, request, response));
  const live = serveLiveFields(server, options);
  const port = await listen(server, options.port, options.host);
  return {
    port,
    stop: async () => {
      await live.stop();
      await closeServer(server);
      await apollo.stop();
    },
  };
}

async function answer<C extends PrincipalContext>(
  options: SubgraphServerOptions<C>,
  apollo: ApolloServer<C>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (request.url !== '/graphql' || request.method !== 'POST')
      throw new AuroraError({ code: 'NOT_FOUND', publicMessage: 'Operations are POSTed to /graphql' });
    const token = bearerToken(request.headers.authorization);
    if (token === undefined)
      throw new AuroraError({ code: 'UNAUTHENTICATED', publicMessage: 'An internal token is required' });
    const { principal } = await options.verifier.verify(token);
    const body: unknown = parseJson(await readBody(request, MAX_BODY_BYTES));
    const headers = new HeaderMap();
    for (const [name, value] of Object.entries(request.headers))
      if (typeof value === 'string') headers.set(name, value);
    const parent = headers.get('traceparent');
    const result = await inSpan('graphql', { kind: SpanKind.SERVER, parent }, () =>
      apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: { method: 'POST', headers, search: '', body },
        context: () => Promise.resolve(options.contextFor({ principal })),
      }),
    );
    const text = result.body.kind === 'complete' ? result.body.string : await joinChunks(result.body.asyncIterator);
    response.writeHead(result.status ?? 200, Object.fromEntries(result.headers));
    response.end(text);
  } catch (error) {
    refuse(request, response, error, options.log, toBody);
  }
}

const toBody = (error: AuroraError): unknown => ({
  errors: [{ message: error.publicMessage, extensions: publicExtensions(error) }],
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AuroraError({ code: 'BAD_USER_INPUT', publicMessage: 'The body is not JSON', cause });
  }
}

async function joinChunks(chunks: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk;
  return text;
}
