/** One supergraph as it is served: everything that is made anew when another one takes its place. */
import type { ApolloServer } from '@apollo/server';
import { describeError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { startApollo } from './apollo.js';
import type { SignFor } from './auth/internal-tokens.js';
import { ReadMerger } from './data-source/merge-reads.js';
import { componentOf, SubgraphDataSource } from './data-source/subgraph-data-source.js';
import { SubgraphPool, type SubgraphResponse } from './data-source/subgraph-pool.js';
import type { OperationLimits } from './limits/index.js';
import type { GatewayMetrics } from './metrics.js';
import type { GatewayContext } from './request-context.js';
import type { LiveHealth } from './subscriptions/live-health.js';
import { type LiveLimits, LiveSubscriptions } from './subscriptions/live-subscriptions.js';
import type { LoadedSupergraph } from './supergraph.js';
import { OperationReader } from './websocket/socket-operation.js';

export interface ServedGraph {
  /** Names of its subgraphs. */
  readonly services: ReadonlySet<string>;
  readonly apollo: ApolloServer<GatewayContext>;
  readonly operations: OperationReader;
  readonly subscriptions: LiveSubscriptions;
  /** Ends its subscriptions and its connections; what still runs on it fails. */
  stop(): Promise<void>;
}

export interface ServedGraphOptions {
  /** See `GatewayOptions.subgraphUrls`. */
  readonly subgraphUrls: ReadonlyMap<string, string>;
  readonly signFor: SignFor;
  readonly operationLimits: OperationLimits;
  readonly liveLimits: LiveLimits;
  readonly metrics: GatewayMetrics;
  readonly health: Health;
  readonly liveHealth: LiveHealth;
  readonly log: Logger;
}

export async function serveGraph(supergraph: LoadedSupergraph, options: ServedGraphOptions): Promise<ServedGraph> {
  const { signFor, operationLimits: limits, metrics, health, log } = options;
  const subgraphUrls = new Map(
    [...supergraph.subgraphUrls].map(([name, url]) => [name, options.subgraphUrls.get(inVariable(name)) ?? url]),
  );
  const reads = new ReadMerger<SubgraphResponse>();
  const pools = [...subgraphUrls].map(([name, url]) => new SubgraphPool(name, url));
  const dataSources = new Map(
    pools.map((pool) => [pool.service, new SubgraphDataSource({ pool, signFor, reads, health, log })]),
  );
  const apollo = await startApollo({ supergraph, dataSources, limits, log });
  const subscriptions = new LiveSubscriptions({
    supergraph,
    dataSources,
    subgraphUrls,
    signFor,
    metrics,
    health: options.liveHealth,
    log,
    limits: options.liveLimits,
  });
  return {
    services: new Set(subgraphUrls.keys()),
    apollo,
    operations: new OperationReader(supergraph.apiSchema, limits),
    subscriptions,
    stop: async () => {
      subscriptions.close();
      await apollo.stop();
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}

/** A subgraph's name as its variable spells it, which has no `-`. */
function inVariable(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

/** The graph that is served now, and former ones on which something may still run. */
export class ServedGraphs {
  readonly #former = new Map<ServedGraph, NodeJS.Timeout>();
  /** Former ones that are about to end. */
  readonly #retiring = new Set<Promise<void>>();

  constructor(
    private graph: ServedGraph,
    private readonly health: Health,
    private readonly log: Logger,
  ) {}

  get current(): ServedGraph {
    return this.graph;
  }

  /** @param endsWithinMs - after which nothing runs on the former one any more. */
  replace(graph: ServedGraph, endsWithinMs: number): void {
    const former = this.graph;
    this.graph = graph;
    const retire = setTimeout(() => {
      this.#former.delete(former);
      const retiring = this.#retire(former).finally(() => this.#retiring.delete(retiring));
      this.#retiring.add(retiring);
    }, endsWithinMs);
    this.#former.set(former, retire);
  }

  async stop(): Promise<void> {
    for (const timer of this.#former.values()) clearTimeout(timer);
    const former = [...this.#former.keys()].map((graph) => this.#retire(graph));
    await Promise.all([this.graph.stop(), ...former, ...this.#retiring]);
  }

  /** Never rejects: nobody waits for it, and what is served is another one. */
  async #retire(former: ServedGraph): Promise<void> {
    try {
      await former.stop();
    } catch (error) {
      this.log.error({ error: describeError(error) }, 'A former supergraph could not be ended cleanly');
    }
    // Nobody asks these any more, so what was last known of them would stand for ever.
    for (const service of former.services)
      if (!this.graph.services.has(service)) this.health.forget(componentOf(service));
  }
}
