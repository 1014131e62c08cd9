/** From a client's subscribe message to something that can run: parsed, validated by the same rules as over HTTP. */
import { badUserInput } from '@aurorasoc/kit/errors';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
  parse,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import { checkVariables, limitRules, type OperationLimits, refuseDefinitions } from '../limits/index.js';
import type { GatewayContext } from '../request-context.js';
import { type LiveOperation, readLiveOperation } from '../subscriptions/live-operation.js';
import { DOCUMENT_CACHE, TextCache } from '../text-cache.js';

/** What travels through graphql-ws as the operation's context value. */
export class SocketOperation {
  constructor(
    readonly context: GatewayContext,
    readonly payload: SubscribePayload,
    /** Undefined for queries and mutations. */
    readonly live: LiveOperation | undefined,
  ) {}
}

export class OperationReader {
  /** Clients that come back after a restart all send the same few documents. Only valid ones: nobody sends a mistake often. */
  readonly #documents = new TextCache<DocumentNode>(DOCUMENT_CACHE);
  readonly #rules: readonly ValidationRule[];

  constructor(
    readonly schema: GraphQLSchema,
    private readonly limits: OperationLimits,
  ) {
    this.#rules = [...specifiedRules, ...limitRules(limits)];
  }

  /**
   * @returns the operation and its document, or the errors of parsing and validation.
   * @throws AuroraError `BAD_USER_INPUT` or `BAD_CURSOR`.
   */
  read(
    payload: SubscribePayload,
    context: GatewayContext,
  ): { operation: SocketOperation; document: DocumentNode } | readonly GraphQLError[] {
    const document = this.#documents.get(payload.query) ?? this.#parse(payload.query);
    if (!('kind' in document)) return document;
    this.#documents.add(payload.query, document);
    const node = getOperationAST(document, payload.operationName);
    if (!node) throw badUserInput('operationName', 'Name one of the operations of the document');
    const { operationName, variables } = payload;
    checkVariables(this.schema, node, variables ?? {}, this.limits.maxVariableValues);
    const live =
      node.operation === OperationTypeNode.SUBSCRIPTION
        ? readLiveOperation(this.schema, { document, operationName, variables })
        : undefined;
    return { operation: new SocketOperation(context, payload, live), document };
  }

  #parse(query: string): DocumentNode | readonly GraphQLError[] {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: this.limits.maxTokens });
    } catch (error) {
      return [withCode(error, 'GRAPHQL_PARSE_FAILED')];
    }
    refuseDefinitions(document);
    try {
      const errors = validate(this.schema, document, this.#rules);
      return errors.length === 0 ? document : errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED'));
    } catch (error) {
      // The rule for single root fields throws instead of reporting when a condition there has a variable.
      return [withCode(error, 'GRAPHQL_VALIDATION_FAILED')];
    }
  }
}

/** Only what graphql-js says about the document is the client's; anything else is a bug and goes on. */
function withCode(error: unknown, code: string): GraphQLError {
  if (!(error instanceof GraphQLError)) throw error;
  const { message, nodes, source, positions } = error;
  return new GraphQLError(message, {
    ...(nodes ? { nodes } : {}),
    ...(source ? { source } : {}),
    ...(positions ? { positions } : {}),
    extensions: { code },
  });
}
