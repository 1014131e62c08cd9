import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLineByLine, splitDocuments } from './split-documents.js';

const split = (text: string) =>
  splitDocuments(Buffer.from(text)).map(({ bytes, isWhole }) => `${isWhole ? '' : 'loose '}${bytes}`);

describe('splitting files of JSON documents', () => {
  it('keeps a pretty-printed document byte for byte', () => {
    const document = '{\n  "a": [1, {"b": "}"}],\n  "c": "\\"]"\n}';
    expect(split(`\n${document}\n`)).toEqual([document]);
  });

  it('finds concatenated documents without and with separators', () => {
    expect(split('{"a":1}{"b":\n2}\n\n{"c":3},{"d":4}')).toEqual(['{"a":1}', '{"b":\n2}', '{"c":3}', '{"d":4}']);
  });

  it('takes the elements of a top-level array', () => {
    expect(split('[{"a":[1]}, "x,]", 12 ,\n[3]] {"b":2}')).toEqual(['{"a":[1]}', '"x,]"', '12', '[3]', '{"b":2}']);
    expect(split('[]')).toEqual([]);
  });

  it('loses nothing of text that is damaged or no JSON at all', () => {
    expect(split('--- begin\n{"a":1}\n{"b": [1\n"c"')).toEqual(['loose --- begin', '{"a":1}', 'loose {"b": [1\n"c"']);
    expect(split('[{"a":1}, {"b"')).toEqual(['loose [{"a":1}, {"b"']);
  });

  it('finds every document again, however they are printed and joined', () => {
    const joins = fc.constantFrom('', ' ', '\n', ',\n');
    const documents = fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), joins));
    fc.assert(
      fc.property(documents, (entries) => {
        const printed = entries.map(([value, indent]) => JSON.stringify(value, null, indent));
        const text = entries.map(([, , join], index) => `${printed[index]}${join}`).join('');
        expect(split(text)).toEqual(printed);
      }),
    );
  });
});

describe('recognising files that are taken line by line', () => {
  it.each([
    ['{"a":1}', true],
    ['  {"a":{"b":"}"}}  ', true],
    ['Nov 23 10:00:00 host sshd[1]: Failed password', true],
    ['[2026-11-23 10:00:00] error', true],
    ['CEF:0|vendor|{', true],
    ['{', false],
    ['{"a": {', false],
    ['{"a":1}{"b":2}', false],
    ['[', false],
    ['[{"a":1},{"b":2}]', false],
  ])('%s', (line, expected) => {
    expect(isLineByLine(Buffer.from(line))).toBe(expected);
  });
});
