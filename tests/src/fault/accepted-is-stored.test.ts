/** The short form of `npm run soak -- ingest`. */
import { expect, it } from 'vitest';
import { soakIngest } from '../soak/ingest.js';

it('every accepted event is stored exactly once while ingest, workers and Redis are killed and wiped', {
  timeout: 240_000,
}, async () => {
  const seed = 20_261_123;
  const outcome = await soakIngest({ seed, events: 6_000 });
  expect(outcome).toMatchObject({ lost: 0, doubled: 0, met: true });
  expect(outcome.total).toBeGreaterThan(1_000);
});
