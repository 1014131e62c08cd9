/** Subscriptions have a door of their own; over HTTP they are the client's mistake. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { getOperationAST, OperationTypeNode, parse } from 'graphql';

/**
 * Refuses a request whose operation is a subscription. Asked before Apollo Server sees it: the gateway library answers
 * subscriptions with 500, and one of graphql-js' own rules throws, instead of reporting, on a condition at their root.
 *
 * @param body - a parsed JSON body; @param search - the URL's query, for GET.
 * @throws AuroraError `BAD_REQUEST`.
 */
export function refuseSubscription(body: unknown, search: string, maxTokens: number): void {
  const { query, operationName } = readRequest(body, search);
  // Nearly no query holds the word, and those that do are parsed twice.
  if (typeof query !== 'string' || !query.includes('subscription')) return;
  if (operationKind(query, operationName, maxTokens) !== OperationTypeNode.SUBSCRIPTION) return;
  throw new AuroraError({
    code: 'BAD_REQUEST',
    field: 'query',
    publicMessage: 'Subscriptions are served over WebSocket on the same path, subprotocol graphql-transport-ws',
  });
}

function readRequest(body: unknown, search: string): { query?: unknown; operationName?: unknown } {
  if (typeof body === 'object' && body !== null) return body;
  const parameters = new URLSearchParams(search);
  return { query: parameters.get('query'), operationName: parameters.get('operationName') };
}

function operationKind(query: string, operationName: unknown, maxTokens: number): OperationTypeNode | undefined {
  try {
    return getOperationAST(parse(query, { maxTokens }), typeof operationName === 'string' ? operationName : null)
      ?.operation;
  } catch {
    // Apollo Server says what is wrong with the text.
    return undefined;
  }
}
