import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangesOf } from './insert-samples.js';

describe('ranges of sequence numbers', () => {
  it('hold exactly the numbers, in order, and never touch each other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 60 })), (sequences) => {
        const ranges = rangesOf(sequences);
        const held = ranges.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
        expect(held).toEqual(sequences.toSorted((a, b) => a - b));
        for (const [index, { first }] of ranges.slice(1).entries())
          expect(first).toBeGreaterThan((ranges[index]?.last ?? 0) + 1);
      }),
    );
  });
});
