import { buildSchema, getIntrospectionQuery, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { limitRules } from './index.js';

const schema = buildSchema('type Query { node: Node } type Node { node: Node id: ID }');
const check = (query: string, introspection = true) =>
  validate(
    schema,
    parse(query),
    limitRules({ maxTokens: 1_000, maxDepth: 3, maxAliases: 2, maxVariableValues: 10, introspection }),
  ).map((error) => error.message);

describe('limits of an operation', () => {
  it('counts nested fields, through fragments', () => {
    expect(check('{ node { node { id } } }')).toEqual([]);
    expect(check('{ node { node { node { id } } } }')).toEqual(['The operation nests 4 fields deep; 3 are allowed']);
    expect(check('{ node { ...F } } fragment F on Node { ... on Node { node { node { id } } } }')).toHaveLength(1);
  });

  it('does not count introspection, so that tools work while it is on', () => {
    expect(check(getIntrospectionQuery())).toEqual([]);
    expect(check(getIntrospectionQuery(), false).length).toBeGreaterThan(0);
  });

  it('measures fragments that spread each other twice in no time, and survives one that spreads itself', () => {
    const chain = Array.from(
      { length: 40 },
      (_, index) =>
        `fragment F${index} on Node { ${index === 39 ? 'id' : `...F${index + 1} ... on Node { ...F${index + 1} }`} }`,
    ).join('\n');
    expect(check(`{ node { ...F0 } } ${chain}`)).toEqual([]);
    expect(check('{ node { ...F } } fragment F on Node { node { ...F } }')).toBeDefined();
  });

  it.each([
    ['alias', '{ node { _auroraCursor: id } }'],
    ['variable', 'query ($_auroraAfter: Boolean = true) { node { id @include(if: $_auroraAfter) } }'],
    ['fragment', '{ node { ..._auroraF } } fragment _auroraF on Node { id }'],
  ])('refuses a reserved name of a %s', (_what, query) => {
    expect(check(query)).toContain('Names that begin with _aurora are reserved; choose others');
  });

  it('counts aliases, and not a field aliased to its own name', () => {
    expect(check('{ a: node { id } b: node { id: id } }')).toEqual([]);
    expect(check('{ a: node { id } b: node { x: id } }')).toEqual(['The document uses more than 2 aliases']);
  });
});
