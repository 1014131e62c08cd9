/** Documents that Apollo Server must not see. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { type DocumentNode, getOperationAST, OperationTypeNode, parse } from 'graphql';
import { refuseDefinitions } from '../limits/index.js';

/** Without one of these words a text holds neither a subscription nor a definition, and is not parsed here as well. */
const SUSPICIOUS = /\b(?:subscription|schema|scalar|type|interface|union|enum|input|directive)\b/;

/**
 * Refuses a request whose operation is a subscription: those have a door of their own, the gateway library answers them with
 * 500, and one of graphql-js' own rules throws, instead of reporting, on a condition at their root. Refuses definitions, too.
 *
 * @param body - a parsed JSON body; @param search - the URL's query, for GET.
 * @throws AuroraError `BAD_REQUEST` or `BAD_USER_INPUT`.
 */
export function refuseDocument(body: unknown, search: string, maxTokens: number): void {
  const { query, operationName } = readRequest(body, search);
  if (typeof query !== 'string' || !SUSPICIOUS.test(query)) return;
  const document = tryParse(query, maxTokens);
  if (document === undefined) return;
  refuseDefinitions(document);
  const operation = getOperationAST(document, typeof operationName === 'string' ? operationName : null);
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return;
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

/** Undefined for a text that cannot be parsed: Apollo Server says what is wrong with it. */
function tryParse(query: string, maxTokens: number): DocumentNode | undefined {
  try {
    return parse(query, { maxTokens });
  } catch {
    return undefined;
  }
}
