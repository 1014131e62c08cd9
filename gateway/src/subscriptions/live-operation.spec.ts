import { parse, print, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { composeFixtures } from '../testing/site.js';
import { readLiveOperation } from './live-operation.js';

const { apiSchema } = composeFixtures();
const AFTER = `${'a'.repeat(16)}${'0'.repeat(32)}`;
const read = (query: string, variables: Record<string, unknown> = {}) =>
  readLiveOperation(apiSchema, { document: parse(query), variables });

describe('reading a live operation', () => {
  it('takes `after` out, with its variable, and plans it back under a reserved one', () => {
    const operation = read(
      'subscription S($from: Cursor, $v: Int) { alertChanged(after: $from, minVersion: $v) { __typename } }',
      { from: AFTER, v: 2, other: 1 },
    );
    expect(operation).toMatchObject({
      fieldName: 'alertChanged',
      responseKey: 'alertChanged',
      isResumable: true,
      after: AFTER,
      variables: { v: 2 },
    });
    expect(print(operation.document)).toBe(
      'subscription S($v: Int) {\n  alertChanged(minVersion: $v) {\n    __typename\n  }\n}',
    );
    expect(print(operation.planned)).toContain('after: $_auroraAfter');
    expect(validate(apiSchema, operation.planned)).toEqual([]);
  });

  it('keeps a variable that something else uses, too', () => {
    const operation = read(
      'subscription ($x: Cursor = null, $v: Int) { alertChanged(after: $x, minVersion: $v) { __typename @include(if: true) } }',
      { v: 1 },
    );
    expect(operation.after).toBeUndefined();
    expect(operation.variables).toEqual({ v: 1 });
  });

  it('reads the default of a variable', () => {
    expect(read(`subscription ($x: Cursor = "${AFTER}") { alertChanged(after: $x) { __typename } }`).after).toBe(AFTER);
  });

  it("selects every item's cursor and type, whatever the client selected", () => {
    const planned = print(read('subscription { alertChanged { ... on AlertChange { version } } }').planned);
    for (const text of [
      '_auroraType: __typename',
      '... on AlertChange {\n      _auroraCursor: cursor',
      '... on CaughtUp {\n      _auroraCursor: cursor',
      '... on ResyncRequired {\n      _auroraCursor: since',
    ]) {
      expect(planned).toContain(text);
    }
  });

  it('leaves fields without cursors as they are', () => {
    const operation = read('subscription { eventTail { text } }');
    expect(operation).toMatchObject({ isResumable: false, after: undefined });
    expect(operation.planned).toBe(operation.document);
  });

  it.each([
    [
      'names, spacing, place and order of variables',
      true,
      [
        'subscription A($v: Int, $c: Cursor) { alertChanged(minVersion: $v, after: $c) { __typename } }',
        { v: 1, c: AFTER },
      ],
      ['subscription ($v: Int) {alertChanged(minVersion: $v) {  __typename }}', { v: 1 }],
    ],
    [
      'variables',
      false,
      ['subscription ($v: Int) { alertChanged(minVersion: $v) { __typename } }', { v: 1 }],
      ['subscription ($v: Int) { alertChanged(minVersion: $v) { __typename } }', { v: 2 }],
    ],
    [
      'aliases',
      false,
      ['subscription { alertChanged { __typename } }', {}],
      ['subscription { a: alertChanged { __typename } }', {}],
    ],
  ] as const)(
    'differing in %s: shared is %s',
    (_what, isShared, [first, firstVariables], [second, secondVariables]) => {
      expect(read(first, firstVariables).sharing === read(second, secondVariables).sharing).toBe(isShared);
    },
  );

  it('refuses an `after` that is no cursor, and names the field', () => {
    for (const after of ['"x"', '7', `"${AFTER.toUpperCase()}"`]) {
      expect(() => read(`subscription { alertChanged(after: ${after}) { __typename } }`)).toThrow(
        expect.objectContaining({ code: 'BAD_CURSOR', field: 'after' }),
      );
    }
  });
});
