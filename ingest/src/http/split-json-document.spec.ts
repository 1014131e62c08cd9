import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLineSeparated, splitJsonDocument } from './split-json-document.js';

const split = (text: string): string[] => splitJsonDocument(Buffer.from(text)).map(String);

describe('splitJsonDocument', () => {
  it('gives an array one event per element, with the bytes that arrived', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(0, 2), (elements, indent) => {
        const events = split(JSON.stringify(elements, null, indent));
        expect(events.map((event) => JSON.parse(event) as unknown)).toEqual(JSON.parse(JSON.stringify(elements)));
      }),
    );
    expect(split(' [ {"a": 1.0} ,{"a":"]\\",["}] ')).toEqual(['{"a": 1.0}', '{"a":"]\\",["}']);
  });

  it('gives any other document one event', () => {
    expect(split(' {\n "a": [1, 2]\n}\n')).toEqual(['{\n "a": [1, 2]\n}']);
    expect(split('true')).toEqual(['true']);
    expect(split(' \n')).toEqual([]);
  });

  it.each(['[{"a":1}', '[1,,2]', '[1,]', '[1]]', '["a', '[1] 2'])(
    'keeps %s as one event, because it is no array',
    (text) => {
      expect(split(text)).toEqual([text]);
    },
  );
});

describe('isLineSeparated', () => {
  it.each([
    ['{"a":1}\n{"b":2}', true],
    ['\n{"a":"{"}\n{"b":', true],
    ['{\n"a":1}', false],
    ['[\n{"a":1}]', false],
    ['{"a":1}\n', false],
  ])('says of %j: %j', (text, expected) => {
    expect(isLineSeparated(Buffer.from(text))).toBe(expected);
  });
});
