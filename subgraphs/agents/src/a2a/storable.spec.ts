import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toStorable } from './storable.js';

describe('what agents tell, made storable', () => {
  it('has U+FFFD for NUL and for half a surrogate pair, at any depth and in names', () => {
    expect(toStorable({ 'a\0': ['\0x', { b: '\ud83d' }, 7, null], whole: '\ud83d\ude00' })).toEqual({
      'a\uFFFD': ['\uFFFDx', { b: '\uFFFD' }, 7, null],
      whole: '\ud83d\ude00',
    });
  });

  it('keeps every length, and is the same when it is made so twice', () => {
    const text = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(text, (hostile) => {
        const storable = String(toStorable(hostile));
        expect(storable).toHaveLength(hostile.length);
        expect(toStorable(storable)).toBe(storable);
        expect(storable).not.toMatch(/\0|\p{Surrogate}/u);
      }),
    );
  });
});
