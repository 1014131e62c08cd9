/**
 * Items that the gateway makes itself, in the shape that the client selected: the client's own operation is run over the
 * object, so aliases, fragments and conditions come out right without a subgraph.
 */
import { executeSync, type GraphQLSchema } from 'graphql';
import type { ItemKind, LiveItem } from './live-item.js';
import type { LiveOperation } from './live-operation.js';

/** @param since - cursor of the last item that was dropped; everything up to it may be missing, what follows is complete. */
export function shapeResync(schema: GraphQLSchema, operation: LiveOperation, since: string): LiveItem {
  return shapeItem(schema, operation, 'resync', since, {
    __typename: 'ResyncRequired',
    since,
    reason: 'SLOW_CONSUMER',
  });
}

/** @param cursor - everything up to it has been delivered to the client. */
export function shapeCaughtUp(schema: GraphQLSchema, operation: LiveOperation, cursor: string): LiveItem {
  return shapeItem(schema, operation, 'caught-up', cursor, { __typename: 'CaughtUp', cursor });
}

function shapeItem(
  schema: GraphQLSchema,
  operation: LiveOperation,
  kind: ItemKind,
  cursor: string,
  item: object,
): LiveItem {
  const result = executeSync({
    schema,
    document: operation.document,
    variableValues: operation.variables,
    rootValue: { [operation.fieldName]: item },
  });
  return { kind, cursor, result, bytes: Buffer.byteLength(JSON.stringify(result)) };
}
