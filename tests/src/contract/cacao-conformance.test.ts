/** The same as `npm run conformance -- cacao`, where the data is at hand. Its always-run form is the spec of packages/cacao. */
import { expect, it } from 'vitest';
import { run } from '../conformance/cacao.js';
import { fixturesFolder, hasFixtures } from '../support/fixtures.js';

it.skipIf(!hasFixtures)('public CACAO playbooks are taken, and refused for each single defect', async () => {
  expect(await run(fixturesFolder)).toMatchObject({ met: true, notes: [] });
});
