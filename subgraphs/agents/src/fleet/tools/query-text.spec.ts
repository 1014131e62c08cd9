import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTerms } from '../../testing/test-gateway.js';
import { formatQuery } from './query-text.js';

/** Random text hardly ever holds a quote: the characters that could end a value come often here. */
const hostileText = fc.string({
  maxLength: 30,
  unit: fc.oneof(
    fc.constantFrom('"', '\\', ' ', ':', '\n', 'A'),
    fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
  ),
});

describe('queries with values out of logs', () => {
  it('carry any value as one value', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 4 }), (values) => {
        const terms = values.map((value) => ({ field: 'process.command_line', value }));
        expect(readTerms(formatQuery(terms))).toEqual(values.map((value) => ['process.command_line', value]));
      }),
    );
  });

  it('do not let a value add a term', () => {
    const query = formatQuery([{ field: 'user.name', value: 'x" AND host.name:"dc01' }]);
    expect(query).toBe(String.raw`user.name:"x\" AND host.name:\"dc01"`);
    expect(readTerms(query)).toHaveLength(1);
  });

  it('refuse a field that is not a name, and a value that is too long', () => {
    expect(() => formatQuery([{ field: 'a b', value: 1 }])).toThrow(/not the name of a field/);
    expect(() => formatQuery([{ field: 'a', value: 'x'.repeat(3_001) }])).toThrow(/does not fit/);
  });
});
