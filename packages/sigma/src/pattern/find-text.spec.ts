import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMsOf } from '../testing/cpu-time.js';
import { findText } from './find-text.js';

describe('findText', () => {
  it('finds long and short parts where indexOf does', () => {
    const letters = (maxLength: number) => fc.string({ unit: fc.constantFrom('a', 'b'), maxLength });
    const cases = fc.record({
      part: fc.oneof(
        letters(6),
        letters(3).map((piece) => `${piece}b`.repeat(200)),
      ),
      pieces: fc.array(letters(4), { maxLength: 4 }),
      from: fc.nat(900),
      cut: fc.nat(600),
    });
    fc.assert(
      fc.property(cases, ({ part, pieces, from, cut }) => {
        const text = [...pieces, part.slice(cut), ...pieces, part, part].join('');
        expect(findText(text, part, from)).toBe(text.indexOf(part, from));
        expect(findText(text.slice(0, cut), part)).toBe(text.slice(0, cut).indexOf(part));
      }),
      { numRuns: 500 },
    );
  });

  it('takes no time for a part that nearly matches everywhere', () => {
    const part = `${'a'.repeat(16_000)}b${'a'.repeat(16_000)}`;
    expect(cpuMsOf(() => expect(findText('a'.repeat(65_536), part)).toBe(-1))).toBeLessThan(50);
  });
});
