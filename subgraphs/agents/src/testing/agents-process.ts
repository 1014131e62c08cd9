/** The whole process `agents` and a fleet in this very process, as a supervisor would start them, with a gateway for specs. */
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type Principal, readPrivateKey, TokenSigner } from '@aurorasoc/kit/auth';
import { type DomainParts, startDomain } from '@aurorasoc/kit/domain';
import { AuroraError } from '@aurorasoc/kit/errors';
import { closeServer, listen } from '@aurorasoc/kit/health';
import { Stopper, sleep } from '@aurorasoc/kit/lifecycle';
import { createLog } from '@aurorasoc/kit/log';
import { createClient } from 'graphql-ws';
import { AGENT_NAMES, type AgentName } from '../agent/agent-registry.js';
import { readAgentsEnvironment } from '../environment.js';
import { readFleetEnvironment } from '../fleet/environment.js';
import { startFleet } from '../fleet/start-fleet.js';
import { defineAgents } from '../index.js';
import type { EventGraph } from './event-graph.js';
import type { TestSite } from './site.js';
import { startTestGateway, type TestGateway } from './test-gateway.js';

export interface AgentsProcess {
  readonly gateway: TestGateway;
  readonly metricsUrl: string;
  /** Where the real fleet listens. */
  readonly fleetUrls: Readonly<Record<AgentName, string>>;
  /** Changes what the alerts domain holds. */
  setEvents(events: EventGraph): void;
  /** Changes where agents are looked for. */
  pointAgents(urls: Partial<Record<AgentName, string>>): void;
  query(
    principal: Principal,
    document: string,
    variables?: Record<string, unknown>,
  ): Promise<{ data?: Record<string, unknown> | null; errors?: { extensions: { code: string; field?: string } }[] }>;
  subscribe(
    principal: Principal,
    document: string,
    variables: Record<string, unknown>,
  ): AsyncIterableIterator<Record<string, unknown>>;
  stop(): Promise<void>;
}

const log = createLog('agents', 'silent');
const OPEN_ATTEMPTS = 60;

export interface ProcessShape {
  /** @default 'all' */
  readonly parts?: DomainParts;
  /** The agents of each fleet, as if each were a process. @default one fleet of all */
  readonly fleets?: readonly (readonly AgentName[])[];
}

/**
 * @param urls - agents that stand elsewhere than in the real fleet from the beginning.
 * @param variables - further ones, of both processes.
 */
export async function startAgentsProcess(
  site: TestSite,
  events: EventGraph,
  urls: Partial<Record<AgentName, string>> = {},
  variables: Readonly<Record<string, string>> = {},
  { parts = 'all', fleets = [AGENT_NAMES] }: ProcessShape = {},
): Promise<AgentsProcess> {
  const stopper = new Stopper(log);
  const [port, metricsPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}/graphql`;
  const gatewayOptions = { keys: site.keys, graph: events, subgraphUrl: url };
  const gateway = stopper.add('gateway', await startTestGateway(gatewayOptions), (started) => started.stop());
  const urlsFile = join(site.keys.folder, `agents-${port}.json`);
  const shared = {
    REDIS_URL: site.redisUrl,
    GATEWAY_URL: gateway.url,
    A2A_BASE_PORT: 'auto',
    A2A_URLS_FILE: urlsFile,
    LOG_LEVEL: 'silent',
    ...variables,
  };
  const fleetEnvironment = readFleetEnvironment({ ...shared, AGENTS_PUBLIC_KEY_FILE: site.keys.agents.publicFile });
  const started = await Promise.all(fleets.map((agents) => startFleet(fleetEnvironment, log, stopper, agents)));
  const fleetUrls = Object.assign({}, ...started) as Record<AgentName, string>;
  const pointAgents = (changed: Partial<Record<AgentName, string>>): void => {
    // In one step, as the fleet does: the worker reads the file at any moment.
    writeFileSync(`${urlsFile}.tmp`, JSON.stringify({ ...fleetUrls, ...changed }));
    renameSync(`${urlsFile}.tmp`, urlsFile);
  };
  if (Object.keys(urls).length > 0) pointAgents(urls);
  const environment = readAgentsEnvironment({
    ...shared,
    PORT: String(port),
    DATABASE_URL: site.databaseUrl,
    AURORA_SECRET_FILE: site.keys.secretFile,
    GATEWAY_PUBLIC_KEY_FILE: site.keys.gateway.publicFile,
    AGENTS_PRIVATE_KEY_FILE: site.keys.agents.privateFile,
    AGENT_TASK_WORKER_METRICS_PORT: String(metricsPort),
    REDIS_BLOCK_MS: '50',
  });
  await startDomain(defineAgents(environment), environment, log, stopper, parts);
  const signer = new TokenSigner('aurora-gateway', readPrivateKey(site.keys.gateway.privateFile), 30);
  const authorize = async (principal: Principal): Promise<string> =>
    `Bearer ${await signer.sign(principal, 'agents', Math.floor(Date.now() / 1000) + 600)}`;
  return {
    gateway,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    fleetUrls,
    setEvents: (graph) => {
      gatewayOptions.graph = graph;
    },
    pointAgents,
    query: async (principal, query, variables = {}) => {
      const headers = { 'content-type': 'application/json', authorization: await authorize(principal) };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
      return (await response.json()) as Awaited<ReturnType<AgentsProcess['query']>>;
    },
    subscribe: (principal, query, variables) =>
      followOnceOpen(() => {
        const client = createClient({
          url: url.replace('http', 'ws'),
          lazy: true,
          connectionParams: async () => ({ authorization: await authorize(principal) }),
        });
        return readItems(client.iterate({ query, variables }), () => client.dispose());
      }),
    stop: () => stopper.stop(),
  };
}

/** What the graph itself answered: asking again changes nothing. */
class RefusedError extends Error {}

/**
 * The items of the first call that gives any. Live fields open once the process has read where its event log ends, which on a
 * busy machine is a moment after it listens; until then the socket is closed, and the gateway comes again, too.
 */
async function* followOnceOpen<T>(open: () => AsyncIterableIterator<T>): AsyncIterableIterator<T> {
  for (let attempt = 1; ; attempt++) {
    let hasBegun = false;
    try {
      for await (const item of open()) {
        hasBegun = true;
        yield item;
      }
      return;
    } catch (error) {
      if (hasBegun || attempt >= OPEN_ATTEMPTS || error instanceof RefusedError) throw error;
      await sleep(250);
    }
  }
}

async function* readItems(
  results: AsyncIterableIterator<{ data?: unknown; errors?: readonly unknown[] | undefined }>,
  end: () => unknown,
): AsyncIterableIterator<Record<string, unknown>> {
  try {
    for await (const { data, errors } of results) {
      if (errors) throw new RefusedError(JSON.stringify(errors));
      yield data as Record<string, unknown>;
    }
  } finally {
    await end();
  }
}

/**
 * A port that nobody listens on. From below the range out of which systems give ports by themselves (32768 on Linux, 49152 by
 * RFC 6335): one of those could go to anybody's outgoing connection before the process that is started listens on it.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    try {
      const port = await listen(server, 15_000 + Math.floor(Math.random() * 17_000), '127.0.0.1');
      await closeServer(server, 0);
      return port;
    } catch (error) {
      if (!(error instanceof AuroraError && error.code === 'PORT_TAKEN')) throw error;
    }
  }
}
