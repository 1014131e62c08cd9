/** The same as `npm run conformance -- sigma`, where the data is at hand. Its always-run form is `built-in-rules.test.ts`. */
import { expect, it } from 'vitest';
import { run } from '../conformance/sigma.js';
import { fixturesFolder, hasFixtures } from '../support/fixtures.js';

it.skipIf(!hasFixtures)('public Sigma rules fire on their own events, and on nothing else', async () => {
  const outcome = await run(fixturesFolder);
  expect(outcome).toMatchObject({ met: true, falsePositives: 0, rulesLoaded: outcome.rulesTotal });
});
