/** The short form of `npm run soak -- live`. */
import { expect, it } from 'vitest';
import { soakLive } from '../soak/live.js';

it('gives every resuming client each change once and in order, while everything between is killed', {
  timeout: 180_000,
}, async () => {
  expect(await soakLive({ seed: 7, clients: 20, changes: 1_000 })).toMatchObject({
    met: true,
    passed: 20,
    problems: [],
  });
});
