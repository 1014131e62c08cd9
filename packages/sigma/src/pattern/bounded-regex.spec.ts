import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { MAX_FIELD_LENGTH } from '../event/event-document.js';
import { BoundedRegex } from './bounded-regex.js';

describe('BoundedRegex', () => {
  it('searches several texts, together as far as it reaches', () => {
    const regex = BoundedRegex.compile('^x[ab]{400}$|^$', 0);
    const hit = `x${'ab'.repeat(200)}`;
    const gap = (length: number) => ' '.repeat(length);
    expect(regex.reach).toBeLessThan(MAX_FIELD_LENGTH);
    expect(regex.findsIn(['no', hit])).toBe(true);
    expect(regex.findsIn([gap(regex.reach - hit.length), hit])).toBe(true);
    expect(regex.findsIn([gap(regex.reach - hit.length + 1), hit])).toBe(false);
    expect(regex.findsIn([gap(regex.reach), hit, ''])).toBe(false);
    expect(regex.findsIn([gap(regex.reach), ''])).toBe(true);
  });

  it('keeps few states of its automaton, whatever it has searched', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // The binary digits of all numbers: no stretch is like another for long.
    const text = Array.from({ length: 6_000 }, (_, n) => (n + 1).toString(2))
      .join('')
      .replaceAll('0', 'a')
      .replaceAll('1', 'b');
    const searched = Array.from({ length: 20 }, (_, n) => BoundedRegex.compile(`(a|b)*a(a|b){${20 + n}}c?[^ab]`, 0));
    collect();
    const before = process.memoryUsage().heapUsed;
    for (const regex of searched) expect(regex.findsIn([text])).toBe(false);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20e6);
  });
});
