/** Validation rule: names that the gateway keeps for what it adds to documents. */
import { type ASTVisitor, GraphQLError, type ValidationContext } from 'graphql';
import { RESERVED_PREFIX } from '../subscriptions/reserved-selections.js';

export function refuseReservedNames(context: ValidationContext): ASTVisitor {
  return {
    Name: (node) => {
      if (!node.value.startsWith(RESERVED_PREFIX)) return;
      context.reportError(
        new GraphQLError(`Names that begin with ${RESERVED_PREFIX} are reserved; choose others`, {
          nodes: node,
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        }),
      );
    },
  };
}
