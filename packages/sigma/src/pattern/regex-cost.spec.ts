/** What the slowest expressions that were found take on one field, whatever their size. Printed: `npx vitest run regex-cost`. */
import { expect, it } from 'vitest';
import { MAX_FIELD_LENGTH } from '../event/event-document.js';
import { LIMITS } from '../rule/limits.js';
import { cpuMsOf } from '../testing/cpu-time.js';
import { BoundedRegex, FULL_REACH_SIZE } from './bounded-regex.js';

/** All threads are alive at each character, or every other, and each text is another state of the DFA. */
const SHAPES: Readonly<Record<string, (times: number) => string>> = {
  letters: (times) => `\\pL*[a\u0431]\\pL{${times}}[^\\pL]`,
  'without case': (times) => `(?i)[a-z\u0430-\u044f]*[a\u0431][a-z\u0430-\u044f]{${times}}[^a-z\u0430-\u044f]`,
  'word boundaries': (times) => `(?:\\b|\\w)*a(?:\\w|\\s){${times}}[^\\w\\s]`,
  'one class': (times) => `[ab]*a[ab]{${times}}[^ab]`,
  alternatives: (times) => `(a|b)*a(a|b){${times}}[^ab]`,
};

/** The same numbers at each run. */
function randomText(letters: string): string {
  let seed = 1;
  const next = () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return letters.charAt((seed >>> 16) % letters.length);
  };
  return Array.from({ length: MAX_FIELD_LENGTH }, next).join('');
}

const TEXTS = ['a', 'ab', 'aaaaaaaaaaaaaaab'].map(randomText);

function largestOf(shape: (times: number) => string, maxSize: number): BoundedRegex {
  for (let times = maxSize; times > 0; times--) {
    const regex = BoundedRegex.compile(shape(times), 0);
    if (regex.size <= maxSize) return regex;
  }
  throw new Error('the shape does not fit');
}

/** Some ten times what was measured; without bounds these take several seconds. */
const MAX_CPU_MS = 3_000;

it.each([FULL_REACH_SIZE, LIMITS.regexProgram])(
  'expressions of up to %i instructions keep to their work',
  (maxSize) => {
    const costs = Object.entries(SHAPES).map(([name, shape]) => {
      const regex = largestOf(shape, maxSize);
      const ms = Math.max(...TEXTS.map((text) => cpuMsOf(() => regex.findsIn([text]))));
      expect(ms, name).toBeLessThan(MAX_CPU_MS);
      return `${name} ${ms.toFixed(0)} ms`;
    });
    console.log(`Searches of a field of 64 KiB, up to ${maxSize} instructions: ${costs.join(', ')}`);
  },
);
