/**
 * Reads a client's subscription and prepares it for resuming and sharing.
 *
 * A field is resumable when it takes `after: Cursor` and can return `CaughtUp` and `ResyncRequired`. The gateway then owns
 * `after`: it is taken out of the client's document, so that clients at different places share one operation, and put back
 * as a variable of its own, so that the gateway can resume by itself. For that it must see each item's cursor and type,
 * whatever the client selected: both are added under reserved aliases to the document that is planned, and not to the one
 * that shapes what clients get.
 */
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { isCursor } from '@aurorasoc/kit/live/cursor';
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getVariableValues,
  isAbstractType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  print,
  stripIgnoredCharacters,
  valueFromASTUntyped,
  visit,
} from 'graphql';
import { addReservedSelections } from './reserved-selections.js';
import { flattenRoot } from './root-field.js';

export interface LiveOperation {
  /** The root field's name in the schema, and the key under which the client gets it. */
  readonly fieldName: string;
  readonly responseKey: string;
  readonly isResumable: boolean;
  /** One operation, without `after`: the shape of what clients get. */
  readonly document: DocumentNode;
  /** `document` with the reserved selections and `$_auroraAfter`; the same object where nothing can be resumed. */
  readonly planned: DocumentNode;
  /** The client's variables without the one that only carried `after`. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** The client's place, undefined for "from now" (or from the beginning, where the field says so). */
  readonly after: string | undefined;
  /** The document's normalised text, without its name: equal texts have equal plans. */
  readonly text: string;
  /** Equal for operations that deliver the same items in the same shape to the same identity. */
  readonly sharing: string;
}

export interface LiveOperationInput {
  /** A validated document; its variables have been checked, too. */
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** @throws AuroraError `BAD_USER_INPUT` or `BAD_CURSOR`, with the field where there is one. */
export function readLiveOperation(schema: GraphQLSchema, input: LiveOperationInput): LiveOperation {
  const operation = findOperation(input.document, input.operationName);
  const fragments = new Map(
    input.document.definitions
      .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
      .map((node) => [node.name.value, node]),
  );
  const field = flattenRoot(operation, fragments);
  const definition = schema.getSubscriptionType()?.getFields()[field.name.value];
  if (!definition) throw badUserInput(field.name.value, `There is no subscription field ${field.name.value}`);

  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], input.variables ?? {});
  if (coerced.errors) throw new Error('variables reached a live operation unchecked', { cause: coerced.errors[0] });
  const declared = new Set(operation.variableDefinitions?.map((node) => node.variable.name.value));
  const given = Object.fromEntries(Object.entries(input.variables ?? {}).filter(([name]) => declared.has(name)));

  const itemTypes = possibleTypes(schema, definition);
  const isResumable = isResumableField(definition, itemTypes);
  const after = isResumable ? readAfter(field, coerced.coerced) : undefined;
  const bare = isResumable
    ? withoutAfter(operation, field, fragments)
    : documentOf({ ...operation, selectionSet: rootOf(field) }, fragments);
  const kept = new Set(operationOf(bare).variableDefinitions?.map((node) => node.variable.name.value));
  const variables = Object.fromEntries(Object.entries(given).filter(([name]) => kept.has(name)));
  const text = stripIgnoredCharacters(print(withoutName(bare)));
  return {
    fieldName: field.name.value,
    responseKey: field.alias?.value ?? field.name.value,
    isResumable,
    document: bare,
    planned: isResumable ? addReservedSelections(bare, itemTypes) : bare,
    variables,
    after,
    text,
    sharing: JSON.stringify([text, variables], sortKeys),
  };
}

function findOperation(document: DocumentNode, name: string | null | undefined): OperationDefinitionNode {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const operation = name
    ? operations.find((node) => node.name?.value === name)
    : operations.length === 1
      ? operations[0]
      : undefined;
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION)
    throw badUserInput('operationName', 'The document does not hold the named subscription');
  return operation;
}

function possibleTypes(
  schema: GraphQLSchema,
  definition: GraphQLField<unknown, unknown>,
): readonly GraphQLObjectType[] {
  const type = getNamedType(definition.type);
  if (isAbstractType(type)) return schema.getPossibleTypes(type);
  return isObjectType(type) ? [type] : [];
}

function isResumableField(
  definition: GraphQLField<unknown, unknown>,
  itemTypes: readonly GraphQLObjectType[],
): boolean {
  const takesCursor = definition.args.some((arg) => arg.name === 'after' && getNamedType(arg.type).name === 'Cursor');
  const names = new Set(itemTypes.map((type) => type.name));
  return takesCursor && names.has('CaughtUp') && names.has('ResyncRequired');
}

function readAfter(field: FieldNode, variables: Readonly<Record<string, unknown>>): string | undefined {
  const argument = field.arguments?.find((node) => node.name.value === 'after');
  const value: unknown = argument && valueFromASTUntyped(argument.value, variables);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && isCursor(value)) return value;
  throw new AuroraError({
    code: 'BAD_CURSOR',
    field: 'after',
    publicMessage: 'A cursor is the text that an earlier item carried',
  });
}

/** Takes the argument out, and its variable where nothing else uses it. */
function withoutAfter(
  operation: OperationDefinitionNode,
  field: FieldNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): DocumentNode {
  const bareField = { ...field, arguments: field.arguments?.filter((node) => node.name.value !== 'after') ?? [] };
  const bare = documentOf({ ...operation, variableDefinitions: [], selectionSet: rootOf(bareField) }, fragments);
  const used = new Set<string>();
  visit(bare, { Variable: (node) => void used.add(node.name.value) });
  const variableDefinitions = operation.variableDefinitions?.filter((node) => used.has(node.variable.name.value)) ?? [];
  return {
    ...bare,
    definitions: bare.definitions.map((node) =>
      node.kind === Kind.OPERATION_DEFINITION ? { ...node, variableDefinitions } : node,
    ),
  };
}

/** The operation with the fragments that it reaches; those that only led to the root field are gone. */
function documentOf(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): DocumentNode {
  const reached = new Map<string, FragmentDefinitionNode>();
  const reach = (node: OperationDefinitionNode | FragmentDefinitionNode): void => {
    visit(node, {
      FragmentSpread: ({ name: { value } }) => {
        const fragment = fragments.get(value);
        if (!fragment || reached.has(value)) return;
        reached.set(value, fragment);
        reach(fragment);
      },
    });
  };
  reach(operation);
  return { kind: Kind.DOCUMENT, definitions: [operation, ...reached.values()] };
}

const rootOf = (field: FieldNode): OperationDefinitionNode['selectionSet'] => ({
  kind: Kind.SELECTION_SET,
  selections: [field],
});

export function operationOf(document: DocumentNode): OperationDefinitionNode {
  const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
  if (!operation) throw new Error('a live document has exactly one operation');
  return operation;
}

/** An operation's name does not change what it delivers. */
function withoutName(document: DocumentNode): DocumentNode {
  return {
    ...document,
    definitions: document.definitions.map((node) => {
      if (node.kind !== Kind.OPERATION_DEFINITION) return node;
      const { name: _name, ...nameless } = node;
      return nameless;
    }),
  };
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
