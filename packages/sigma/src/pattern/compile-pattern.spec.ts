import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from './compile-pattern.js';
import { loosenDashes, openPattern, parsePattern } from './pattern.js';

/** Backtracking over every choice: slow, and hard to get wrong. */
function matchesSlowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*'))
    return matchesSlowly(pattern.slice(1), text) || (text !== '' && matchesSlowly(pattern, text.slice(1)));
  return (
    text !== '' && (pattern.startsWith('?') || pattern[0] === text[0]) && matchesSlowly(pattern.slice(1), text.slice(1))
  );
}

describe('compilePattern', () => {
  it('agrees with backtracking on patterns of few letters', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(pattern, text, (glob, value) => {
        expect(compilePattern(parsePattern(glob))(value)).toBe(matchesSlowly(glob, value));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('parsePattern', () => {
  it('reads three and four backslashes as two', () => {
    for (const text of ['\\\\\\', '\\\\\\\\']) expect(parsePattern(text)).toEqual([{ type: 'literal', text: '\\\\' }]);
  });

  it('joins stars that stand together', () => {
    expect(openPattern(parsePattern('**a**'), true, true)).toEqual([
      { type: 'run' },
      { type: 'literal', text: 'a' },
      { type: 'run' },
    ]);
  });
});

describe('loosenDashes', () => {
  it('loosens the dash of a flag only', () => {
    expect(loosenDashes(parsePattern('a-b -c - d'))).toEqual([
      { type: 'literal', text: 'a-b ' },
      { type: 'dash' },
      { type: 'literal', text: 'c - d' },
    ]);
  });
});
