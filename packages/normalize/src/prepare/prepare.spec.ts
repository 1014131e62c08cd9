import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalText } from '../json/canonical-text.js';
import { JsonObject, writeCanonical } from '../json/json-value.js';
import { JsonParser } from '../json/parse-json.js';
import { OperatorArgumentError } from '../operators/operator.types.js';
import { createPrepareStep } from './create-prepare.js';
import type { PrepareStep } from './prepare.types.js';

const PARSE: PrepareStep = ['parse', 'a.b'];
const ENTRIES: PrepareStep = ['entries', 'a.Data', ['@Name', 'x.Name'], ['#text', 'Value']];
const LINES: PrepareStep = ['lines', 'Message', 'Named', 'Properties', 'From', ['sysmon']];
const CAPITALIZE: PrepareStep = ['capitalize', 'a', ['param1']];
const UNESCAPE: PrepareStep = ['unescape', 'a'];
const HEXADECIMAL: PrepareStep = ['hexadecimal', 'a', ['Access', 'LogonId']];
const STEPS = [PARSE, ENTRIES, LINES, CAPITALIZE, UNESCAPE, HEXADECIMAL];

function toObject(document: unknown): JsonObject {
  const parsed = new JsonParser().parse(JSON.stringify(document));
  if (!(parsed instanceof JsonObject)) throw new TypeError('not an object');
  return parsed;
}

function prepare(step: PrepareStep, document: unknown): unknown {
  return JSON.parse(writeCanonical(createPrepareStep(step)(toObject(document))));
}

describe('every step', () => {
  it('is total, and gives an object without repeated keys', () => {
    const names = fc.constantFrom('a', 'b', 'Data', '@Name', 'x', 'Name', '#text', 'Value', 'Message', 'Properties');
    const leaf = fc.oneof(fc.constantFrom('', '{"a":1}', 'A: 1\r\nB: 2', 'x\\\\y', '\\"', 'sysmon'), fc.jsonValue());
    const document = fc.letrec((tie) => ({
      object: fc.dictionary(names, tie('value'), { maxKeys: 5, noNullPrototype: true }),
      value: fc.oneof({ depthSize: 'small' }, leaf, tie('object'), fc.array(tie('value'), { maxLength: 3 })),
    })).object;
    fc.assert(
      fc.property(fc.constantFrom(...STEPS), document, (step, input) => {
        const text = writeCanonical(createPrepareStep(step)(toObject(input)));
        expect(canonicalText(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(STEPS.map((step) => ({ name: step[0], step })))('$name leaves other layouts as they are', ({ step }) => {
    const document = toObject({ a: 'x', b: [1], From: 'other', Message: 'A: 1' });
    expect(createPrepareStep(step)(document)).toBe(document);
  });

  it.each([
    [['regex', 'a']],
    [['parse']],
    [['entries', 'a', 'b', 'c']],
    [['capitalize', '']],
    [['hexadecimal', 'a', [1]]],
  ])('%j is refused', (step) => {
    expect(() => createPrepareStep(step as unknown as PrepareStep)).toThrow(OperatorArgumentError);
  });
});

describe('parse', () => {
  it('reads a text that is a JSON object', () => {
    expect(prepare(PARSE, { a: { b: '{"c":{"d":1}}', e: 2 } })).toEqual({ a: { b: { c: { d: 1 } }, e: 2 } });
  });

  it.each(['[1]', '{"a":1,"a":2}', '{', '{'.repeat(100_000)])('keeps %#, which is none', (text) => {
    expect(prepare(PARSE, { a: { b: text } })).toEqual({ a: { b: text } });
  });
});

describe('entries', () => {
  const entries = (Data: unknown, beside: object = {}) => prepare(ENTRIES, { a: { Data, ...beside } });

  it('names the values of a list, or of a single entry', () => {
    expect(
      entries([
        { '@Name': 'Image', '#text': 'x.exe' },
        { x: { Name: 'Pid' }, Value: 7 },
      ]),
    ).toEqual({
      a: { Image: 'x.exe', Pid: 7 },
    });
    expect(entries({ '@Name': 'Image', '#text': 'x.exe' }, { Binary: null })).toEqual({
      a: { Image: 'x.exe', Binary: null },
    });
  });

  it('takes an entry without a value as the empty text', () => {
    expect(entries([{ '@Name': 'Image' }])).toEqual({ a: { Image: '' } });
  });

  it('keeps both values of a name, but for an empty one', () => {
    expect(
      entries([
        { '@Name': 'A', '#text': 1 },
        { '@Name': 'A', '#text': 2 },
      ]),
    ).toEqual({ a: { A: [1, 2] } });
    expect(entries([{ '@Name': 'A' }, { '@Name': 'A', '#text': 2 }])).toEqual({ a: { A: 2 } });
    expect(entries([{ '@Name': 'A', '#text': 1 }], { A: 3 })).toEqual({ a: { A: [1, 3] } });
  });

  it('leaves what has no name where it was', () => {
    expect(entries([{ '@Name': 'A', '#text': 1 }, { '#text': 'x' }, 'y'])).toEqual({ a: { A: 1, Data: ['x', 'y'] } });
    expect(entries(['x', 'y'])).toEqual({ a: { Data: ['x', 'y'] } });
    expect(entries({ '#text': ['x', ''] })).toEqual({ a: { Data: { '#text': ['x', ''] } } });
  });
});

describe('lines', () => {
  const named = (Message: string, Properties?: readonly unknown[]) => {
    const list = Properties?.map((Value) => ({ Value }));
    return (prepare(LINES, { From: 'SYSMON', Message, ...(list && { Properties: list }) }) as { Named?: unknown })
      .Named;
  };

  it('names the parameters of a message', () => {
    expect(named('Process Create:\r\nRuleName: -\r\nImage: C:\\x: y.exe\r\nUser: \r\nCompany:')).toEqual({
      RuleName: '-',
      Image: 'C:\\x: y.exe',
      User: '',
      Company: '',
    });
  });

  it('reads on where a value has several lines', () => {
    expect(named('Process Create:\nCommandLine: a\nb c\n\nUser: d')).toEqual({ CommandLine: 'a\nb c', User: 'd' });
  });

  it('is not misled by a forged line if the values are there, too', () => {
    const forged = 'a\r\nParentImage: good.exe';
    const message = `Process Create:\r\nProcessId: 7\r\nCommandLine: ${forged}\r\nParentImage: bad.exe\r\n`;
    expect(named(message, [7, forged, 'bad.exe'])).toEqual({
      ProcessId: '7',
      CommandLine: forged,
      ParentImage: 'bad.exe',
    });
  });

  it('shows a forged line beside the real one if they are not, or do not fit', () => {
    const message = 'Process Create:\r\nCommandLine: a\r\nParentImage: good.exe\r\nParentImage: bad.exe';
    const expected = { CommandLine: 'a', ParentImage: ['good.exe', 'bad.exe'] };
    expect(named(message)).toEqual(expected);
    expect(named(message, ['a'])).toEqual(expected);
  });

  it('reads the messages of the listed providers only, and no message without names', () => {
    expect(prepare(LINES, { From: 'other', Message: 'A: 1' })).not.toHaveProperty('Named');
    expect(named('Something happened.')).toBeUndefined();
  });
});

describe('capitalize', () => {
  it('makes the first letter of each key upper case, but for exceptions and clashes', () => {
    expect(prepare(CAPITALIZE, { a: { commandLine: 1, 'threat Name': 2, param1: 3, ünicode: 4 } })).toEqual({
      a: { CommandLine: 1, 'Threat Name': 2, param1: 3, ünicode: 4 },
    });
    expect(prepare(CAPITALIZE, { a: { x: 1, X: 2 } })).toEqual({ a: { x: 1, X: 2 } });
  });
});

describe('unescape', () => {
  it('takes one layer of backslashes off', () => {
    expect(
      prepare(UNESCAPE, { a: { Image: 'C:\\\\x.exe', CommandLine: '\\"C:\\\\x.exe\\" -a', n: 1, t: 'y' } }),
    ).toEqual({
      a: { Image: 'C:\\x.exe', CommandLine: '"C:\\x.exe" -a', n: 1, t: 'y' },
    });
  });

  it('leaves all as it is if one text was not escaped', () => {
    const document = { a: { Share: '\\\\server', Image: 'C:\\x.exe' } };
    expect(prepare(UNESCAPE, document)).toEqual(document);
  });
});

describe('hexadecimal', () => {
  it('writes integers under the given keys as Windows does, and nothing else', () => {
    expect(prepare(HEXADECIMAL, { a: { Access: 5136, LogonId: '0x3e7', ProcessId: 10 } })).toEqual({
      a: { Access: '0x1410', LogonId: '0x3e7', ProcessId: 10 },
    });
    expect(prepare(HEXADECIMAL, { a: { Access: -1, LogonId: 1.5 } })).toEqual({ a: { Access: -1, LogonId: 1.5 } });
  });
});
