/** What the site says of itself in the graph. */
import { beforeAll, describe, expect, it } from 'vitest';
import { joinSite, type SharedSite } from '../support/shared-site.js';

let site: SharedSite;

beforeAll(async () => {
  site = await joinSite();
});

describe('settings', () => {
  it('are what it was told by its environment, and no secret', async () => {
    const { settings } = await site.client.query<{
      settings: { name: string; value: string | null; description: string; source: string }[];
    }>('{ settings { name value description source } }');
    const byName = new Map(settings.map((setting) => [setting.name, setting]));
    expect(byName.get('AURORA_MODE')).toMatchObject({ value: 'real', source: 'DEFAULT' });
    expect(byName.get('AURORA_REPLICA')).toMatchObject({ value: 'federation', source: 'ENVIRONMENT' });
    const password = new URL(site.serviceUrl('redis')).password;
    expect(password).not.toBe('');
    expect(JSON.stringify(settings)).not.toContain(password);
    expect(settings.filter(({ description }) => description === '')).toEqual([]);
  });
});
