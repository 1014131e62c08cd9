/** What the gateway adds to a resumable subscription to follow it: each item's type and cursor, and its own `after`. */
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLObjectType,
  getNamedType,
  type InlineFragmentNode,
  Kind,
  type VariableDefinitionNode,
} from 'graphql';

/** Clients may not use names that begin so. */
export const RESERVED_PREFIX = '_aurora';
export const AFTER_VARIABLE = '_auroraAfter';
export const CURSOR_ALIAS = '_auroraCursor';
export const TYPE_ALIAS = '_auroraType';

const name = (value: string) => ({ kind: Kind.NAME as const, value });
const aliased = (alias: string, field: string): FieldNode => ({
  kind: Kind.FIELD,
  alias: name(alias),
  name: name(field),
});

/** @param document - one operation with one root field, without `after`. */
export function addReservedSelections(document: DocumentNode, itemTypes: readonly GraphQLObjectType[]): DocumentNode {
  const added = [aliased(TYPE_ALIAS, '__typename'), ...itemTypes.flatMap(cursorSelection)];
  return {
    ...document,
    definitions: document.definitions.map((definition) => {
      if (definition.kind !== Kind.OPERATION_DEFINITION) return definition;
      const selections = definition.selectionSet.selections.map((selection) =>
        selection.kind === Kind.FIELD ? extendRoot(selection, added) : selection,
      );
      return {
        ...definition,
        variableDefinitions: [...(definition.variableDefinitions ?? []), AFTER_DEFINITION],
        selectionSet: { ...definition.selectionSet, selections },
      };
    }),
  };
}

function extendRoot(field: FieldNode, added: readonly (FieldNode | InlineFragmentNode)[]): FieldNode {
  return {
    ...field,
    arguments: [
      ...(field.arguments ?? []),
      { kind: Kind.ARGUMENT, name: name('after'), value: { kind: Kind.VARIABLE, name: name(AFTER_VARIABLE) } },
    ],
    selectionSet: { kind: Kind.SELECTION_SET, selections: [...(field.selectionSet?.selections ?? []), ...added] },
  };
}

/** `ResyncRequired` has its place in `since`, every other item in `cursor`. */
function cursorSelection(type: GraphQLObjectType): InlineFragmentNode[] {
  const source = type.name === 'ResyncRequired' ? 'since' : 'cursor';
  const field = type.getFields()[source];
  if (!field || getNamedType(field.type).name !== 'Cursor') return [];
  return [
    {
      kind: Kind.INLINE_FRAGMENT,
      typeCondition: { kind: Kind.NAMED_TYPE, name: name(type.name) },
      selectionSet: { kind: Kind.SELECTION_SET, selections: [aliased(CURSOR_ALIAS, source)] },
    },
  ];
}

const AFTER_DEFINITION: VariableDefinitionNode = {
  kind: Kind.VARIABLE_DEFINITION,
  variable: { kind: Kind.VARIABLE, name: name(AFTER_VARIABLE) },
  type: { kind: Kind.NAMED_TYPE, name: name('Cursor') },
};
