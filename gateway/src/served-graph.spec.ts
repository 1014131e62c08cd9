import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { describe, expect, it, onTestFinished } from 'vitest';
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
