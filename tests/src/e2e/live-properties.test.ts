/** The short forms of `npm run soak -- live-properties` and of what it says of a crowd. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comeBack } from '../soak/crowd.js';
import { openAlerts } from '../soak/live.js';
import { proveLiveProperties } from '../soak/live-properties.js';
import { type RunningSite, startTestSite } from '../support/site.js';

let site: RunningSite;
let ids: readonly string[];

beforeAll(async () => {
  site = await startTestSite({ env: { INVESTIGATE_FROM_SEVERITY: 'OFF' } });
  ids = await openAlerts(site);
});

afterAll(() => site?.stop());

describe('live fields', () => {
  it('bring a crowd of one identity that lost the gateway back to one upstream, and miss nothing', {
    timeout: 180_000,
  }, async () => {
    expect((await comeBack(site, ids, 100)).filter(({ met }) => !met)).toEqual([]);
  });

  it('hold what they promise over drawn histories of writes, clients, wipes and killed parts', {
    timeout: 180_000,
  }, async () => {
    expect(await proveLiveProperties(site, ids, { seed: 7, runs: 1 })).toBeUndefined();
  });
});
