/** Apollo Server over the Apollo gateway: what runs queries and mutations, for HTTP and sockets alike. */
import { ApolloGateway, type GraphQLDataSource } from '@apollo/gateway';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import { formatError } from './errors.js';
import { checkVariables, limitRules, type OperationLimits } from './limits/index.js';
import type { GatewayMetrics } from './metrics.js';
import type { GatewayContext } from './request-context.js';
import type { LoadedSupergraph } from './supergraph.js';

export interface ApolloOptions {
  readonly supergraph: LoadedSupergraph;
  readonly dataSources: ReadonlyMap<string, GraphQLDataSource>;
  readonly limits: OperationLimits;
  readonly log: Logger;
}

/** A started server; its `stop()` stops the gateway library, too. */
export async function startApollo({
  supergraph,
  dataSources,
  limits,
  log,
}: ApolloOptions): Promise<ApolloServer<GatewayContext>> {
  const logger = quietLogger(log);
  const gateway = new ApolloGateway({
    supergraphSdl: supergraph.sdl,
    logger,
    buildService: ({ name }) => {
      const dataSource = dataSources.get(name);
      if (!dataSource) throw new Error(`there is no data source for ${name}`);
      return dataSource;
    },
  });
  const apollo = new ApolloServer<GatewayContext>({
    gateway,
    logger,
    introspection: limits.introspection,
    hideSchemaDetailsFromClientErrors: !limits.introspection,
    parseOptions: { maxTokens: limits.maxTokens },
    validationRules: limitRules(limits),
    // Any client could register any document; documents that the product trusts will be listed by the product.
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    formatError: (formatted, error) => formatError(formatted, error, log),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      nameSpan,
      refuseBadInput(limits.maxVariableValues),
      keepExtensionsInside(log),
    ],
  });
  await apollo.start();
  return apollo;
}

/** Runs an operation that came over a socket. */
export async function executeOverSocket(
  apollo: ApolloServer<GatewayContext>,
  metrics: GatewayMetrics,
  payload: SubscribePayload,
  context: GatewayContext,
): Promise<ExecutionResult> {
  const startedAt = performance.now();
  const { body } = await apollo.executeOperation(
    {
      query: payload.query,
      ...(payload.operationName ? { operationName: payload.operationName } : {}),
      ...(payload.variables ? { variables: payload.variables } : {}),
    },
    { contextValue: context },
  );
  const result = body.kind === 'single' ? body.singleResult : body.initialResult;
  const outcome = result.errors && (result.data === undefined || result.data === null) ? 'error' : 'ok';
  metrics.requestSeconds.observe({ transport: 'websocket', outcome }, (performance.now() - startedAt) / 1000);
  return result as ExecutionResult;
}

/** Names of operations are the client's choice and stay out of the span's name (OpenTelemetry, GraphQL server spans). */
const nameSpan: ApolloServerPlugin<GatewayContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ operation, contextValue, operationName }) => {
      if (!operation) return;
      contextValue.span?.updateName(`graphql ${operation.operation}`);
      contextValue.span?.setAttribute('graphql.operation.type', operation.operation);
      if (operationName) contextValue.span?.setAttribute('graphql.operation.name', operationName);
    },
  }),
};

/** Before the gateway library sees them, which answers the one with 500 and the other at a cost without bound. */
function refuseBadInput(maxVariableValues: number): ApolloServerPlugin<GatewayContext> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ operation, request, schema }) => {
        try {
          if (!operation) throw badUserInput('operationName', 'Name one of the operations of the document');
          checkVariables(schema, operation, request.variables ?? {}, maxVariableValues);
        } catch (error) {
          if (!(error instanceof AuroraError)) throw error;
          // Apollo Server reads the status from the error that is thrown, and formatError the rest from the one inside.
          throw new GraphQLError(error.publicMessage, { originalError: error, extensions: { http: { status: 400 } } });
        }
      },
    }),
  };
}

/**
 * The product answers with `data` and `errors`, nothing else. The gateway library adds `extensions.valueCompletion`: why it
 * made a field null, in its own words, past {@link formatError}. A null of that kind is usual (an alert that the caller may
 * not see), so it is for the log of somebody who looks for it.
 */
function keepExtensionsInside(log: Logger): ApolloServerPlugin<GatewayContext> {
  return {
    requestDidStart: async () => ({
      willSendResponse: async ({ response: { body } }) => {
        const result = body.kind === 'single' ? body.singleResult : body.initialResult;
        if (result.extensions === undefined) return;
        log.debug({ extensions: result.extensions }, 'Extensions of an answer were kept inside');
        delete result.extensions;
      },
    }),
  };
}

/** The library logs each failed operation as an error; the gateway formats and logs those itself. */
function quietLogger(log: Logger) {
  return {
    debug: (message: unknown) => log.trace(String(message)),
    info: (message: unknown) => log.debug(String(message)),
    warn: (message: unknown) => log.warn(String(message)),
    error: (message: unknown) => log.error(String(message)),
  };
}
