/**
 * The plan of a subscription. Apollo's planner splits it into `primary` (the owner's part) and `rest` (other subgraphs'
 * fields); its executor refuses subscriptions. So `Sequence[primary, rest]` is run as a query per event, with the owner's
 * data source answering `primary` from the event: rewrites, aliases, null propagation and shaping stay Apollo's.
 */
import { operationFromDocument } from '@apollo/federation-internals';
import { buildOperationContext, executeQueryPlan, type GraphQLDataSource } from '@apollo/gateway';
import type { Logger } from '@aurorasoc/kit/log';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { toPublicError } from '../errors.js';
import { type GatewayContext, withRequestId } from '../request-context.js';
import type { LoadedSupergraph } from '../supergraph.js';
import type { UpstreamEvent } from './live-item.js';
import type { LiveOperation } from './live-operation.js';

export interface SubscriptionPlan {
  /** The subgraph that owns the field. */
  readonly serviceName: string;
  /** What it is asked. */
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variableUsages: readonly string[];
  /** True when events need fields of other subgraphs. */
  readonly hasRest: boolean;
  /**
   * Completes one event; never throws. Writes into the event.
   * @returns what the client selected, errors masked; `data` is null where the event could not be completed.
   */
  readonly complete: (
    payload: UpstreamEvent['payload'],
    variables: Readonly<Record<string, unknown>>,
    context: GatewayContext,
  ) => Promise<ExecutionResult>;
}

type RequestContext = Parameters<typeof executeQueryPlan>[2];

export function planSubscription(
  supergraph: LoadedSupergraph,
  dataSources: ReadonlyMap<string, GraphQLDataSource>,
  operation: LiveOperation,
  log: Logger,
): SubscriptionPlan {
  const { node } = supergraph.planner.buildQueryPlan(operationFromDocument(supergraph.api, operation.planned));
  if (node?.kind !== 'Subscription') throw new Error('the planner did not plan a subscription');
  const { primary, rest } = node;
  const queryPlan = {
    kind: 'QueryPlan' as const,
    node: rest ? { kind: 'Sequence' as const, nodes: [primary, rest] } : primary,
  };
  // Shaped by the document without the reserved selections, so that they never reach a client.
  const shape = buildOperationContext({ schema: supergraph.apiSchema, operationDocument: operation.document });
  const owner = dataSources.get(primary.serviceName);
  if (!owner) throw new Error(`there is no data source for ${primary.serviceName}`);

  return {
    serviceName: primary.serviceName,
    query: primary.operation,
    operationName: primary.operationName,
    variableUsages: primary.variableUsages ?? [],
    hasRest: rest !== undefined,
    complete: async (payload, variables, context) => {
      const answerPrimary: GraphQLDataSource = {
        process: async (options) =>
          options.request.query === primary.operation
            ? (payload as Awaited<ReturnType<GraphQLDataSource['process']>>)
            : owner.process(options),
      };
      const services = { ...Object.fromEntries(dataSources), [primary.serviceName]: answerPrimary };
      // executeQueryPlan reads these five members only; a whole request context exists for requests over HTTP alone.
      const requestContext = {
        request: { query: primary.operation, variables: { ...variables } },
        context,
        logger: log,
        metrics: {},
        schema: supergraph.apiSchema,
      } as unknown as RequestContext;
      return withRequestId(context.requestId, async () => {
        try {
          const result = await executeQueryPlan(
            queryPlan,
            services,
            requestContext,
            shape,
            supergraph.superSchema,
            supergraph.api,
          );
          const data = result.data ?? null;
          return result.errors ? { data, errors: result.errors.map((error) => toPublicError(error, log)) } : { data };
        } catch (error) {
          return { data: null, errors: [error instanceof GraphQLError ? error : toPublicError(error, log)] };
        }
      });
    },
  };
}
