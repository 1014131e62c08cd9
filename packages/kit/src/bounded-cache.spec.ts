import { expect, it } from 'vitest';
import { BoundedCache } from './bounded-cache.js';

it('forgets what was used least recently, by the size of what it keeps', () => {
  const cache = new BoundedCache<{ size: number }>(10, ({ size }) => size);
  cache.set('a', { size: 4 });
  cache.set('b', { size: 4 });
  expect(cache.find('a')).toBeDefined();
  cache.set('c', { size: 6 });
  expect(['a', 'b', 'c'].filter((key) => cache.find(key))).toEqual(['a', 'c']);
  cache.set('c', { size: 1 });
  cache.set('d', { size: 5 });
  expect(['a', 'c', 'd'].filter((key) => cache.find(key))).toEqual(['a', 'c', 'd']);
});

it('keeps the newest, also one that is too large', () => {
  const cache = new BoundedCache<{ size: number }>(10, ({ size }) => size);
  cache.set('a', { size: 1 });
  cache.set('b', { size: 11 });
  expect([cache.find('a'), cache.find('b')]).toEqual([undefined, { size: 11 }]);
});
