import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64AtOffsets, encodeText } from './encode-base64.js';

const bytes = (minLength: number) => fc.uint8Array({ minLength, maxLength: 24 }).map((value) => Buffer.from(value));

describe('encodeBase64AtOffsets', () => {
  it('finds the value in every Base64 text that holds it, whatever stands around', () => {
    fc.assert(
      fc.property(bytes(3), bytes(0), bytes(0), (value, before, after) => {
        const text = Buffer.concat([before, value, after]).toString('base64');
        expect(text).toContain(encodeBase64AtOffsets(value)[before.length % 3]);
      }),
    );
  });
});

describe('encodeText', () => {
  it.each([
    ['utf16le', '63006d006400'],
    ['utf16be', '0063006d0064'],
    ['utf16', 'fffe63006d006400'],
    ['utf8', '636d64'],
  ] as const)('writes %s', (encoding, hex) => expect(encodeText('cmd', encoding).toString('hex')).toBe(hex));
});
