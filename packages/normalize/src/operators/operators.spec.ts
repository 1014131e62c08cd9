import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeCanonical } from '../json/json-value.js';
import { JsonParser } from '../json/parse-json.js';
import { compileToJson } from '../plan/compile-operators.js';
import type { OperatorStep } from '../spec/mapping-spec.types.js';
import { createOperator, OPERATOR_NAMES } from './create-operator.js';
import { OperatorArgumentError } from './operator.types.js';

function apply(steps: readonly OperatorStep[], value: unknown): unknown {
  const text = compileToJson(steps)(new JsonParser().parse(JSON.stringify(value)));
  return text === undefined ? undefined : JSON.parse(text);
}

/** Valid arguments for those operators that need some. */
const ARGUMENTS: Readonly<Record<string, OperatorStep>> = {
  before: ['before', '\\'],
  after: ['after', '='],
  between: ['between', '(', ')'],
  pair: ['pair', 'MD5'],
  truncate: ['truncate', 3],
  hex: ['hex', 32],
  map: ['map', { a: [1] }],
  split: ['split', ','],
  join: ['join', ','],
};

describe('operators', () => {
  it.each<[OperatorStep[], unknown, unknown]>([
    [[['string']], 7, '7'],
    [[['string']], true, 'true'],
    [[['string']], { a: 1 }, undefined],
    [[['lower']], 'ÄB C', 'Äb c'],
    [[['upper']], 'aß', 'Aß'],
    [[['trim']], ' \t a b\r\n', 'a b'],
    [[['trim', '{}']], '{1-2}', '1-2'],
    [[['before', '\\']], 'EX\\al', 'EX'],
    [[['before', '\\']], 'al', undefined],
    [[['after', '=']], 'a=b=c', 'b=c'],
    [[['between', 'file:_', ';']], 'x; file:_C:\\a; y', 'C:\\a'],
    [[['between', 'file:_', ';']], 'file:_C:\\a', 'C:\\a'],
    [[['pair', 'MD5']], 'SHA1=1,MD5=2', '2'],
    [[['basename']], 'C:\\a/b.exe', 'b.exe'],
    [[['basename', '\\']], 'al', 'al'],
    [[['dirname']], 'C:\\a\\b.exe', 'C:\\a'],
    [[['extension']], 'C:\\a.d\\b', undefined],
    [[['extension']], 'b.tar.gz', 'gz'],
    [[['truncate', 2]], 'a😀b', 'a😀'],
    [[['hex', 4]], 'ABcd', 'abcd'],
    [[['hex', 4]], 'ABcg', undefined],
    [[['hash']], 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [[['int']], '0x1a4', 420],
    [[['int']], ' 4', undefined],
    [[['int']], 4.5, undefined],
    [[['int']], '9007199254740993', undefined],
    [[['int', 1, 65535]], '0', undefined],
    [[['bool']], 'TRUE', true],
    [[['bool']], 'maybe', undefined],
    [[['map', { constructor: 'x' }]], 'toString', undefined],
    [[['map', { '1': ['process'] }]], 1, ['process']],
    [[['ip']], '::ffff:192.0.2.1', '192.0.2.1'],
    [[['ip']], '0:0:0:0:0:0:0:1', '::1'],
    [[['ip']], 'FE80:0:0:1::A%12', 'fe80:0:0:1::a'],
    [[['ip']], '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    [[['ip']], '2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    [[['ip']], '::', '::'],
    [[['ip']], '010.0.0.1', undefined],
    [[['ip']], '1::2::3', undefined],
    [[['ip']], '1:2:3:4:5:6:7:8:9', undefined],
    [[['mac']], '0000.5e00.53af', '00-00-5E-00-53-AF'],
    [[['timestamp']], '2026-01-02T03:04:05.6789999Z', '2026-01-02T03:04:05.678Z'],
    [[['timestamp']], '2026-01-02 03:04:05', '2026-01-02T03:04:05.000Z'],
    [[['timestamp']], '2026-01-01T00:30:00.5+01:00', '2025-12-31T23:30:00.500Z'],
    [[['timestamp']], '2026-02-29T00:00:00Z', undefined],
    [[['timestamp']], '0001-01-01T00:00:00+01:00', undefined],
    [[['timestamp']], 1767323045.25, '2026-01-02T03:04:05.250Z'],
    [[['timestamp']], 1767323045250, '2026-01-02T03:04:05.250Z'],
    [[['timestamp']], '/Date(1767323045250)/', '2026-01-02T03:04:05.250Z'],
    [[['split', ';'], ['ip']], 'type:  5 x;::ffff:192.0.2.1;', ['192.0.2.1']],
    [[['list'], ['join', '+']], ['a', 1, { b: 2 }], 'a+1'],
    [[['list']], 'a', ['a']],
  ])('%j makes of %j: %j', (steps, value, expected) => {
    expect(apply(steps, value)).toEqual(expected);
  });

  it('are total: any operator after any other gives canonical JSON or nothing, for any value', () => {
    const step = fc.constantFrom(...OPERATOR_NAMES).map((name): OperatorStep => ARGUMENTS[name] ?? [name]);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 4 }), fc.jsonValue({ maxDepth: 4 }), (steps, value) => {
        const text = compileToJson(steps)(new JsonParser().parse(JSON.stringify(value)));
        if (text !== undefined) expect(writeCanonical(new JsonParser().parse(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('give an address that is an address of the same family to itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const once = apply([['ip']], address);
        expect(once).toBeTypeOf('string');
        expect(apply([['ip']], once)).toBe(once);
      }),
    );
  });

  it('agree with Date on every point in time', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-30'), noInvalidDate: true }), (date) => {
        expect(apply([['timestamp']], date.toISOString())).toBe(date.toISOString());
      }),
    );
  });

  it.each<[string, OperatorStep]>([
    ['an unknown operator', ['regex', '.*']],
    ['an argument too many', ['lower', 'x']],
    ['an argument missing', ['split']],
    ['an empty separator', ['split', '']],
    ['a length that is no integer', ['truncate', 1.5]],
    ['a table that is no object', ['map', ['a']]],
  ])('refuse %s', (_, [name, ...args]) => {
    expect(() => createOperator(name, args)).toThrow(OperatorArgumentError);
  });
});
