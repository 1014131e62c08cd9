/** Validation rule: how deep fields may nest. */
import {
  type ASTVisitor,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';

/**
 * Refuses operations whose fields nest deeper than `maxDepth`; a root field has depth 1, fragments add none.
 * Introspection (`__schema`, `__type`) is not counted: the standard query nests `ofType` deeper than any real one, and
 * its cost is bounded by the schema.
 */
export function limitDepth(maxDepth: number): (context: ValidationContext) => ASTVisitor {
  return (context) => ({
    OperationDefinition: (operation) => {
      const depth = depthOf(operation.selectionSet, context, new Map());
      if (depth <= maxDepth) return;
      context.reportError(
        new GraphQLError(`The operation nests ${depth} fields deep; ${maxDepth} are allowed`, {
          nodes: operation,
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        }),
      );
    },
  });
}

function depthOf(
  selectionSet: SelectionSetNode,
  context: ValidationContext,
  known: Map<FragmentDefinitionNode, number>,
): number {
  let deepest = 0;
  for (const selection of selectionSet.selections) {
    if (selection.kind === Kind.FIELD) {
      if (selection.name.value === '__schema' || selection.name.value === '__type') continue;
      deepest = Math.max(deepest, 1 + (selection.selectionSet ? depthOf(selection.selectionSet, context, known) : 0));
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      deepest = Math.max(deepest, depthOf(selection.selectionSet, context, known));
    } else {
      const fragment = context.getFragment(selection.name.value);
      if (fragment) deepest = Math.max(deepest, fragmentDepth(fragment, context, known));
    }
  }
  return deepest;
}

/** Each fragment is measured once, or a chain of fragments that spread the next one twice would take exponential time. */
function fragmentDepth(
  fragment: FragmentDefinitionNode,
  context: ValidationContext,
  known: Map<FragmentDefinitionNode, number>,
): number {
  const before = known.get(fragment);
  if (before !== undefined) return before;
  // A fragment inside itself is another rule's error; here it only must not recurse for ever.
  known.set(fragment, 0);
  const depth = depthOf(fragment.selectionSet, context, known);
  known.set(fragment, depth);
  return depth;
}
