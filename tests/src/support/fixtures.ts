/** Public data sets that are not part of the product: used where they lie, never copied. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { givenFixturesFolder } from './environment.js';

/** The folder named by `AURORA_FIXTURES`, or `shared/fixtures` beside the checkout; it need not exist. */
export const fixturesFolder =
  givenFixturesFolder() ?? fileURLToPath(new URL('../../../../shared/fixtures', import.meta.url));

/** False on a machine without the data: what needs it reports itself skipped. */
export const hasFixtures = existsSync(fixturesFolder);

/** @param named - value of `AURORA_FIXTURES`. */
export function explainMissingFixtures(named: string | undefined): string {
  const problem = named ? `names ${named}, which does not exist` : 'is not set';
  return `AURORA_FIXTURES ${problem}; it names the folder with the public data sets, whose layout is described in tests/README.md`;
}
