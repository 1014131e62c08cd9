/** The item that tells a client it was too slow, in the shape that the client selected. */
import { executeSync, type GraphQLSchema } from 'graphql';
import type { LiveItem } from './live-item.js';
import type { LiveOperation } from './live-operation.js';

/**
 * Builds `ResyncRequired(SLOW_CONSUMER)` by running the client's own operation over the object: aliases, fragments and
 * conditions come out right without a subgraph.
 *
 * @param since - cursor of the last item that was dropped; everything up to it may be missing, what follows is complete.
 */
export function shapeResync(schema: GraphQLSchema, operation: LiveOperation, since: string): LiveItem {
  const result = executeSync({
    schema,
    document: operation.document,
    variableValues: operation.variables,
    rootValue: { [operation.fieldName]: { __typename: 'ResyncRequired', since, reason: 'SLOW_CONSUMER' } },
  });
  return { kind: 'resync', cursor: since, result, bytes: Buffer.byteLength(JSON.stringify(result)) };
}
