/** Live fields through the gateway: who shares a subscription to a subgraph with whom. */
import { beforeAll, describe, it } from 'vitest';
import { upstreams } from '../support/gateway-process.js';
import { followAlerts, type LiveClient } from '../support/live-client.js';
import { createSecondIdentity } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { eventually } from '../support/wait.js';

let site: SharedSite;

beforeAll(async () => {
  site = await joinSite();
});

describe('live fields', () => {
  it('share an upstream between equal subscriptions of one identity, never between two, and close it with the last reader', async () => {
    const second = await createSecondIdentity(site);
    const count = () => upstreams(site);
    await eventually(count, (open) => open === 0);
    const follow = async (token: string): Promise<LiveClient> => {
      const client = followAlerts(site.urls.gateway, token);
      await client.ready;
      return client;
    };
    const clients = [await follow(site.token), await follow(site.token), await follow(site.token)];
    await eventually(count, (open) => open === 1);
    clients.push(await follow(second));
    await eventually(count, (open) => open === 2);
    await Promise.all(clients.map((client) => client.leave()));
    await eventually(count, (open) => open === 0, 5_000);
  });
});
