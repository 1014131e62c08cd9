/** A subscription has one root field; clients may write it in several pieces. */
import { badUserInput } from '@aurorasoc/kit/errors';
import {
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';

/**
 * The root field with the selections of all its pieces, out of any fragments. The document was validated, so that all
 * pieces are the same field with the same arguments.
 *
 * @throws AuroraError `BAD_USER_INPUT` for `@skip` and `@include` at the root: whether a stream exists cannot depend on a
 * variable (GraphQL, October 2021 errata to section 5.2.3.1).
 */
export function flattenRoot(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): FieldNode {
  const [first, ...others] = collectFields(operation.selectionSet.selections, fragments);
  if (!first) throw badUserInput('query', 'A subscription selects one field');
  const selections = [first, ...others].flatMap((field) => field.selectionSet?.selections ?? []);
  return selections.length === 0 ? first : { ...first, selectionSet: { kind: Kind.SELECTION_SET, selections } };
}

function collectFields(
  selections: readonly SelectionNode[],
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): FieldNode[] {
  return selections.flatMap((selection) => {
    if (selection.directives?.some(({ name: { value } }) => value === 'skip' || value === 'include')) {
      throw badUserInput('query', 'The root field of a subscription cannot be skipped or included by a condition');
    }
    if (selection.kind === Kind.FIELD) return [selection];
    const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    return inner ? collectFields(inner.selectionSet.selections, fragments) : [];
  });
}
