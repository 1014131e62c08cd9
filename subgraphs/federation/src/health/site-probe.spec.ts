import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SiteProbe } from './site-probe.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const SINCE = '2026-01-02T03:04:05.678Z';
const well = JSON.stringify({ service: 'x', state: 'up', components: { redis: { state: 'up', since: SINCE } } });

describe('the probe of a site', () => {
  it('tells of each process what it says, whatever the others do', async () => {
    const addresses = [
      { name: 'well', url: await serve((_request, response) => void response.end(well)) },
      { name: 'hanging', url: await serve(() => undefined) },
      { name: 'foreign', url: await serve((_request, response) => void response.end('<html>')) },
      { name: 'chatty', url: await serve((_request, response) => void response.end('x'.repeat(300 * 1024))) },
      { name: 'absent', url: 'http://127.0.0.1:1' },
    ];
    const { services } = await new SiteProbe(addresses).report();
    expect(services[0]).toEqual({
      name: 'well',
      state: 'up',
      problem: undefined,
      components: [{ name: 'redis', state: 'up', since: SINCE }],
    });
    expect(services.slice(1).map(({ name, state, components }) => ({ name, state, components }))).toEqual(
      ['hanging', 'foreign', 'chatty', 'absent'].map((name) => ({ name, state: 'down', components: [] })),
    );
    expect(services.slice(1).filter(({ problem }) => !problem)).toEqual([]);
  });

  it('asks once in two seconds, however many want to know', async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      response.end(well);
    });
    let now = 0;
    const probe = new SiteProbe([{ name: 'well', url }], () => new Date(now));
    await Promise.all([probe.report(), probe.report()]);
    now = 1_999;
    await probe.report();
    expect(asked).toBe(1);
    now = 2_000;
    expect((await probe.report()).checkedAt).toEqual(new Date(2_000));
    expect(asked).toBe(2);
  });
});
