import { type ASTNode, parse, visit } from 'graphql';
import { describe, expect, it } from 'vitest';
import { mistakenField } from './mistaken-field.js';

/** Of the text "bad" in the document. */
function fieldIn(document: string): string | undefined {
  let bad: ASTNode | undefined;
  visit(parse(document), {
    StringValue: (node) => {
      if (node.value === 'bad') bad = node;
    },
  });
  return mistakenField(bad && [bad]);
}

describe('the field of a mistake', () => {
  it.each([
    ['{ alerts(from: "bad") { id } }', 'from'],
    ['{ alerts(first: 1, by: { x: 1 }, in: [{ y: 2 }], from: "bad") { id } }', 'from'],
    ['{ alerts(filter: { to: "x", from: "bad" }) { id } }', 'filter.from'],
    ['{ alerts(filter: { any: ["x", { at: { y: 1 }, from: ["bad"] }] }) { id } }', 'filter.any.from'],
    ['{ alias: alerts(from: # why\n "bad") { id } }', 'from'],
    ['query ($one: Int, $from: [DateTime!]! = ["x", "bad"]) { alerts(from: $from) { id } }', 'from'],
    ['query ($one: Int = 1, $filter: Filter = { to: "x", from: "bad" }) { a(b: $filter) }', 'filter.from'],
    ['{ alerts @include(if: "bad") { id } }', 'if'],
  ])('in %s is %s', (document, field) => {
    expect(fieldIn(document)).toBe(field);
  });

  it('that is in a variable is its name; in something else than input there is none', () => {
    const [operation] = parse('query ($from: DateTime) { a }').definitions;
    if (operation?.kind !== 'OperationDefinition') throw new Error('no operation');
    expect(mistakenField(operation.variableDefinitions)).toBe('from');
    expect(mistakenField(operation.selectionSet.selections)).toBeUndefined();
    expect(mistakenField(undefined)).toBeUndefined();
  });
});
