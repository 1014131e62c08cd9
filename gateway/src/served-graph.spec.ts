import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { composeServices } from '@apollo/composition';
import { Health } from '@aurorasoc/kit/health';
import { createLog } from '@aurorasoc/kit/log';
import { parse } from 'graphql';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ServedGraph, ServedGraphs } from './served-graph.js';
import { loadSupergraph } from './supergraph.js';
import { composeFixtures, startSite } from './testing/site.js';
import { AGENTS_SDL } from './testing/subgraphs.js';

/** A subgraph with the one field `late`. @returns its address. */
async function startLate(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.end('{"data":{"late":"here"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

describe('a supergraph that takes over', () => {
  it('brings addresses of its own for subgraphs of which no other is set', async () => {
    const site = await startSite({ subgraphUrls: new Map() });
    onTestFinished(() => site.stop());
    expect((await site.query('{ agents }')).data).toEqual({ agents: null });
    await site.gateway.replace(composeFixtures(AGENTS_SDL, { agents: site.agents.url }));
    expect((await site.query('{ agents }')).data).toEqual({ agents: ['triage'] });
  });

  it('finds a subgraph that it adds where the variable of its name says', async () => {
    const site = await startSite({ subgraphUrls: new Map([['later_on', await startLate()]]) });
    onTestFinished(() => site.stop());
    const { supergraphSdl = '' } = composeServices([
      { name: 'later-on', url: 'http://127.0.0.1:1/graphql', typeDefs: parse('type Query { late: String }') },
    ]);
    await site.gateway.replace(loadSupergraph(supergraphSdl));
    expect((await site.query('{ late }')).data).toEqual({ late: 'here' });
  });
});

const fakeGraph = (services: readonly string[], stop = () => Promise.resolve()) =>
  ({ services: new Set(services), stop }) as unknown as ServedGraph;

describe('a former supergraph', () => {
  function serve(stopFormer: () => Promise<void>) {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const log = createLog('gateway', 'silent');
    const failures = vi.spyOn(log, 'error');
    const health = new Health('gateway');
    const graphs = new ServedGraphs(fakeGraph(['alerts', 'agents'], stopFormer), health, log);
    graphs.replace(fakeGraph(['alerts', 'later']), 100);
    return { graphs, health, failures };
  }

  it('takes what health tells of its subgraphs with it, but for those that are still served', async () => {
    const { health } = serve(() => Promise.resolve());
    for (const name of ['alerts', 'agents', 'later']) health.set(`subgraph:${name}`, 'degraded', 'away');
    await vi.advanceTimersByTimeAsync(100);
    expect(Object.keys(health.report().components)).toEqual(['subgraph:alerts', 'subgraph:later']);
    expect(await health.metrics.metrics()).not.toContain('subgraph:agents');
  });

  it('that cannot be ended is told of, and nothing else comes of it', async () => {
    const { graphs, failures } = serve(() => Promise.reject(new Error('a pool that hangs')));
    await vi.advanceTimersByTimeAsync(100);
    expect(failures).toHaveBeenCalledWith({ error: 'a pool that hangs' }, expect.stringContaining('former supergraph'));
    await graphs.stop();
  });

  it('that cannot be ended when the gateway stops keeps the others from nothing', async () => {
    const { graphs, failures } = serve(() => Promise.reject(new Error('a pool that hangs')));
    await graphs.stop();
    expect(failures).toHaveBeenCalledOnce();
  });

  it('is waited for when the gateway stops while it ends', async () => {
    const ended = Promise.withResolvers<void>();
    const { graphs } = serve(() => ended.promise);
    await vi.advanceTimersByTimeAsync(100);
    let isStopped = false;
    const stopping = graphs.stop().then(() => {
      isStopped = true;
    });
    await vi.advanceTimersByTimeAsync(0);
    expect(isStopped).toBe(false);
    ended.resolve();
    await stopping;
  });
});
