/** Public data sets that are not part of the product: used where they lie, never copied. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { givenFixturesFolder } from './environment.js';

/** The folder named by `AURORA_FIXTURES`, or the one beside the checkout; it need not exist. */
export const fixturesFolder =
  givenFixturesFolder() ?? fileURLToPath(new URL('../../../../shared/fixtures', import.meta.url));

/** False on a machine without the data: what needs it reports itself skipped. */
export const hasFixtures = existsSync(fixturesFolder);
