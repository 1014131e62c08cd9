/** Documents that a schema allows, made from nothing but the schema: each root field, and each object that it leads to. */
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

type AnyField = GraphQLField<unknown, unknown>;

/** A document with the id that it asks for in {@link ID_PLACE}. */
export interface CrawlDocument {
  readonly root: string;
  readonly document: string;
  readonly takesId: boolean;
}

const ID_PLACE = '<id>';
/** As deep as objects stand in each other; the gateway's own limit counts levels, of which connections take two. */
const DEEPEST = 5;

export function withId({ document }: CrawlDocument, id: string): string {
  return document.replaceAll(ID_PLACE, id);
}

/**
 * One document for each path of objects on which no type comes twice, which selects all of the last one's own values. What is asked
 * for by an id is null where that is another's, so of such a field, and of what a change answers with, there is one document alone.
 */
export function documentsOf(
  schema: GraphQLSchema,
  operation: 'query' | 'mutation' | 'subscription',
): readonly CrawlDocument[] {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  return Object.values(root[operation]?.getFields() ?? {}).flatMap((field) => {
    const takesId = argumentsOf(field.args).includes(ID_PLACE);
    const depth = operation === 'query' && !takesId ? DEEPEST : 1;
    return selectionsOf(schema, field, new Set(), depth).map((selection) => {
      const document = `${operation} { ${selection} }`;
      return { root: field.name, document, takesId: document.includes(ID_PLACE) };
    });
  });
}

/** The object's own values, and those of whatever it leads to, each as a selection of its own. */
function selectionsOf(schema: GraphQLSchema, field: AnyField, seen: ReadonlySet<string>, depth: number): string[] {
  const call = `${field.name}${argumentsOf(field.args)}`;
  const type = getNamedType(field.type);
  if (isLeafType(type)) return [call];
  return membersOf(schema, type).flatMap((member) => {
    if (seen.has(member.name) || depth === 0) return [];
    const fields = Object.values(member.getFields());
    const leaves = fields
      .filter((one) => isLeafType(getNamedType(one.type)))
      .map((one) => `${one.name}${argumentsOf(one.args)}`);
    const deeper = fields
      .filter((one) => !isLeafType(getNamedType(one.type)))
      .flatMap((one) => selectionsOf(schema, one, new Set([...seen, member.name]), depth - 1));
    return [['__typename', ...leaves].join(' '), ...deeper].map(
      (selection) => `${call} { ${isAbstractType(type) ? `... on ${member.name} { ${selection} }` : selection} }`,
    );
  });
}

function membersOf(schema: GraphQLSchema, type: GraphQLNamedType): readonly GraphQLObjectType[] {
  if (isAbstractType(type)) return schema.getPossibleTypes(type);
  return isObjectType(type) ? [type] : [];
}

/** Those that must be given, and every id. */
function argumentsOf(args: readonly GraphQLArgument[]): string {
  const given = args.filter((arg) => (isNonNullType(arg.type) && arg.defaultValue === undefined) || isId(arg.type));
  return given.length === 0 ? '' : `(${given.map((arg) => `${arg.name}: ${literalOf(arg.type)}`).join(', ')})`;
}

function isId(type: GraphQLInputType): boolean {
  return getNamedType(type).name === 'ID';
}

function literalOf(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literalOf(type.ofType);
  if (isListType(type)) return `[${literalOf(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (field) => (isNonNullType(field.type) && field.defaultValue === undefined) || isId(field.type),
    );
    return `{ ${fields.map((field) => `${field.name}: ${literalOf(field.type)}`).join(', ')} }`;
  }
  return SCALARS[getNamedType(type).name] ?? '"crawl"';
}

const SCALARS: Readonly<Record<string, string>> = {
  ID: `"${ID_PLACE}"`,
  Int: '1',
  SafeInt: '1',
  Float: '1',
  Boolean: 'true',
  DateTime: '"2026-01-01T00:00:00.000Z"',
  JSONObject: '{}',
};

/** Every text in an answer. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
