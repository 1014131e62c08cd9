import { describe, expect, it } from 'vitest';
import { TokenCache } from './token-cache.js';

describe('a cache of tokens', () => {
  it('forgets what has expired when something is added in a later second', () => {
    const cache = new TokenCache<{ expiresAt: number }>();
    cache.set('a', { expiresAt: 12 }, 10);
    cache.set('b', { expiresAt: 13 }, 11);
    expect(cache.size).toBe(2);
    cache.set('c', { expiresAt: 14 }, 12);
    expect([cache.get('a'), cache.get('b')?.expiresAt, cache.size]).toEqual([undefined, 13, 2]);
  });

  it('looks through what it keeps once a second, however many are added', () => {
    const cache = new TokenCache<{ expiresAt: number }>();
    let looks = 0;
    const counted = {
      get expiresAt() {
        looks += 1;
        return 1_000;
      },
    };
    cache.set('counted', counted, 10);
    for (let n = 0; n < 2_000; n++) cache.set(`other ${n}`, { expiresAt: 1_000 }, 11 + Math.floor(n / 1_000));
    expect(looks).toBe(2);
  });
});
