import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReasonCode } from '../normalizer.types.js';
import { writeCanonical } from './json-value.js';
import { JsonParser } from './parse-json.js';
import { UnreadableJson } from './unreadable-json.js';

const canonical = (text: string): string => writeCanonical(new JsonParser().parse(text));

function reasonOf(text: string): ReasonCode | undefined {
  try {
    new JsonParser().parse(text);
    return undefined;
  } catch (error) {
    return error instanceof UnreadableJson ? error.code : undefined;
  }
}

/** What the reader changes on purpose: integers a double cannot hold become strings. */
function withUnsafeIntegersAsText(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    const text = String(value);
    return text.includes('e') ? value : text;
  }
  if (Array.isArray(value)) return value.map(withUnsafeIntegersAsText);
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withUnsafeIntegersAsText(inner)]));
}

const json = fc.jsonValue({ maxDepth: 6 });

describe('reading and writing JSON', () => {
  it('understands every generated document as JSON.parse does, but for unsafe integers', () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(JSON.parse(canonical(text))).toEqual(withUnsafeIntegersAsText(JSON.parse(text)));
      }),
    );
  });

  it('reads its own output back to the same bytes', () => {
    fc.assert(
      fc.property(json, (value) => {
        const once = canonical(JSON.stringify(value));
        expect(canonical(once)).toBe(once);
      }),
    );
  });

  it('gives the same answer when one parser has seen other documents before', () => {
    const parser = new JsonParser();
    fc.assert(
      fc.property(fc.array(json, { minLength: 1 }), (values) => {
        for (const value of values) {
          const text = JSON.stringify(value);
          expect(writeCanonical(parser.parse(text))).toBe(canonical(text));
        }
      }),
    );
  });

  it('agrees with JSON.parse on whether a damaged document is JSON', () => {
    fc.assert(
      fc.property(
        json,
        fc.nat(),
        fc.constantFrom('', '"', '\\', ',', '}', '\u0000', '0', '-', '.', 'e'),
        (value, at, bit) => {
          const text = JSON.stringify({ value });
          const position = at % text.length;
          const damaged = text.slice(0, position) + bit + text.slice(position + 1);
          if (reasonOf(damaged) === undefined) expect(() => JSON.parse(damaged)).not.toThrow();
          if (reasonOf(damaged) === 'INVALID_JSON') expect(() => JSON.parse(damaged)).toThrow();
        },
      ),
      { numRuns: 500 },
    );
  });

  // Two natural implementations, JSON.parse with JSON.stringify and a typed Rust reader, differ on each of these.
  it.each([
    ['a float without a fraction', '{"n":1.0}', '{"n":1}'],
    ['an exponent', '{"n":1e3}', '{"n":1000}'],
    ['a large exponent', '{"n":1e21}', '{"n":1e+21}'],
    ['minus zero', '{"n":-0}', '{"n":0}'],
    ['minus zero as a float', '{"n":-0.0}', '{"n":0}'],
    ['the largest safe integer', '{"n":9007199254740991}', '{"n":9007199254740991}'],
    ['the first unsafe integer', '{"n":9007199254740992}', '{"n":"9007199254740992"}'],
    ['2^53 + 1', '{"n":9007199254740993}', '{"n":"9007199254740993"}'],
    ['a 64-bit flag field', '{"n":-9214364837600034816}', '{"n":"-9214364837600034816"}'],
    ['a float that writes as an unsafe integer', '{"n":1e20}', '{"n":"100000000000000000000"}'],
    ['a number beyond a double', '{"n":1e400}', '{"n":"1e400"}'],
    ['a small float', '{"n":0.0000001}', '{"n":1e-7}'],
    ['white space inside', ' { "b" : [ 1 , 2 ] ,\t"a" : { } } ', '{"a":{},"b":[1,2]}'],
    ['keys that look like integers', '{"b":1,"10":2,"9":3}', '{"10":2,"9":3,"b":1}'],
    ['an escaped slash', '{"s":"a\\/b"}', '{"s":"a/b"}'],
    ['an escape that needs none', '{"s":"\\u0041\\u00e9"}', '{"s":"Aé"}'],
    ['an escaped key', '{"\\u0062":1,"a":2}', '{"a":2,"b":1}'],
    ['control characters', '{"s":"\\u0000\\u001F\\u0008\\n\\u007f"}', '{"s":"\\u0000\\u001f\\b\\n\u007f"}'],
    ['a surrogate pair', '{"s":"\\ud83d\\ude00"}', '{"s":"😀"}'],
    ['keys beyond the basic plane, sorted by UTF-16', '{"\\uffff":1,"\\ud83d\\ude00":2}', '{"😀":2,"\uffff":1}'],
    ['keys of Object.prototype', '{"constructor":1,"__proto__":{"a":2}}', '{"__proto__":{"a":2},"constructor":1}'],
  ])('writes %s in the one canonical way', (_, text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each<[string, string, ReasonCode]>([
    ['a key twice', '{"a":1,"b":2,"a":3}', 'DUPLICATE_KEY'],
    ['a key twice in two spellings', '{"a":1,"\\u0061":3}', 'DUPLICATE_KEY'],
    ['a key twice in an inner object', '{"o":{"__proto__":1,"__proto__":1}}', 'DUPLICATE_KEY'],
    ['a high surrogate alone', '{"s":"\\ud83d"}', 'LONE_SURROGATE'],
    ['a low surrogate alone', '{"s":"\\ude00x"}', 'LONE_SURROGATE'],
    ['two low surrogates', '{"s":"\\ude00\\ude00"}', 'LONE_SURROGATE'],
    ['two high surrogates', '{"s":"\\ud83d\\ud83d"}', 'LONE_SURROGATE'],
    ['a raw control character', '{"s":"a\nb"}', 'INVALID_JSON'],
    ['an escape that does not exist', '{"s":"\\x41"}', 'INVALID_JSON'],
    ['a leading zero', '{"n":01}', 'INVALID_JSON'],
    ['a trailing comma', '{"a":1,}', 'INVALID_JSON'],
    ['a second document', '{} {}', 'INVALID_JSON'],
    ['nothing', '', 'INVALID_JSON'],
    ['a string without an end', '{"s":"a', 'INVALID_JSON'],
  ])('refuses %s', (_, text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it('accepts 32 levels and refuses 33', () => {
    expect(reasonOf('['.repeat(32) + ']'.repeat(32))).toBeUndefined();
    expect(reasonOf('['.repeat(33) + ']'.repeat(33))).toBe('TOO_DEEP');
    expect(reasonOf('[{"a":'.repeat(100_000))).toBe('TOO_DEEP');
  });

  it('finds a duplicate in an object too long for the shape cache', () => {
    const members = Array.from({ length: 5000 }, (_, index) => `"k${index}":${index}`);
    expect(reasonOf(`{${members.join(',')}}`)).toBeUndefined();
    expect(reasonOf(`{${members.join(',')},"k4999":0}`)).toBe('DUPLICATE_KEY');
    expect(reasonOf(`{${members.join(',')},"k3":0}`)).toBe('DUPLICATE_KEY');
  });

  it('keeps working after more shapes than it caches', () => {
    const parser = new JsonParser();
    for (let index = 0; index < 20_000; index++) {
      const text = `{"k${index}":1,"a":2}`;
      expect(writeCanonical(parser.parse(text))).toBe(`{"a":2,"k${index}":1}`);
    }
  });
});
