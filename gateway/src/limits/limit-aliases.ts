/** Validation rule: how many aliases an operation may use; each lets one request ask for the same costly field again. */
import { type ASTVisitor, GraphQLError, type ValidationContext } from 'graphql';

export function limitAliases(maxAliases: number): (context: ValidationContext) => ASTVisitor {
  return (context) => {
    let count = 0;
    return {
      Field: (field) => {
        if (field.alias === undefined || field.alias.value === field.name.value) return;
        count++;
        // Reported once, at the first alias too many.
        if (count !== maxAliases + 1) return;
        context.reportError(
          new GraphQLError(`The document uses more than ${maxAliases} aliases`, {
            nodes: field,
            extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
          }),
        );
      },
    };
  };
}
