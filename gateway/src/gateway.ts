/** Wires the gateway's parts and runs them on one port. */
import type { AddressInfo } from 'node:net';
import type { TokenSigner } from '@aurorasoc/kit/auth';
import { closeServer, type Health, listen } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { executeOverSocket } from './apollo.js';
import type { Authenticator } from './auth/authenticator.js';
import { signWith } from './auth/internal-tokens.js';
import { serveHttp } from './http/serve-http.js';
import type { OperationLimits } from './limits/index.js';
import { createMetrics } from './metrics.js';
import { OPERATION_DEADLINE_MS } from './request-context.js';
import { ServedGraphs, serveGraph } from './served-graph.js';
import { LiveHealth } from './subscriptions/live-health.js';
import { DEFAULT_LIVE_LIMITS, type LiveLimits } from './subscriptions/live-subscriptions.js';
import type { LoadedSupergraph } from './supergraph.js';
import { serveSockets } from './websocket/serve-sockets.js';
import { DEFAULT_SOCKET_TIMES, type SocketTimes } from './websocket/socket-writer.js';

export interface GatewayOptions {
  readonly supergraph: LoadedSupergraph;
  /**
   * Addresses of subgraphs, by name in lower case with `_` for `-`; also of such that only a later supergraph has. Those not named
   * here are at the `routing_url` of the supergraph that is served.
   */
  readonly subgraphUrls?: ReadonlyMap<string, string>;
  readonly authenticator: Authenticator;
  /** Signs the tokens that subgraphs get. */
  readonly signer: TokenSigner;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Origins whose pages may read answers. @default none */
  readonly allowedOrigins?: readonly string[];
  readonly operationLimits: OperationLimits;
  readonly health: Health;
  readonly log: Logger;
  readonly liveLimits?: LiveLimits;
  readonly socketTimes?: SocketTimes;
  /** How long after a revocation a socket may stay open, in milliseconds. @default 2 000 */
  readonly recheckMs?: number;
  /** Sockets are closed at random within this time when the gateway stops. @default 5 000 */
  readonly drainMs?: number;
  /** Longest time in which a client may send a request, in milliseconds; then 408 and the connection is closed. @default 30 000 */
  readonly requestTimeoutMs?: number;
}

export interface Gateway {
  /** `http://host:port` */
  readonly url: string;
  /**
   * Serves another supergraph from now on. Sockets are closed one by one, so that their clients resume on it; requests that run
   * end on the former one. @throws Error when it cannot be served; the former one then is, on.
   */
  replace(supergraph: LoadedSupergraph): Promise<void>;
  /** Drains: no new operations, sockets closed one by one, running requests finished. */
  stop(): Promise<void>;
}

/** Largest request over HTTP, and largest message on a socket. */
export const MAX_REQUEST_BYTES = 1024 * 1024;
/** A workspace with every panel live needs a few dozen. */
const MAX_SOCKET_OPERATIONS = 100;
const RECHECK_MS = 2_000;
const DRAIN_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** @throws AuroraError `PORT_TAKEN`. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { authenticator, health, log } = options;
  const metrics = createMetrics(health);
  const graphOptions = {
    subgraphUrls: options.subgraphUrls ?? new Map(),
    signFor: signWith(options.signer),
    operationLimits: options.operationLimits,
    liveLimits: options.liveLimits ?? DEFAULT_LIVE_LIMITS,
    metrics,
    health,
    liveHealth: new LiveHealth(health),
    log,
  };
  const graphs = new ServedGraphs(await serveGraph(options.supergraph, graphOptions), health, log);
  const drainMs = options.drainMs ?? DRAIN_MS;
  const state = { isDraining: false };
  const server = serveHttp({
    graph: () => graphs.current,
    authenticator,
    health,
    metrics,
    log,
    allowedOrigins: options.allowedOrigins ?? [],
    maxBodyBytes: MAX_REQUEST_BYTES,
    maxTokens: options.operationLimits.maxTokens,
    requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    isDraining: () => state.isDraining,
  });
  const sockets = serveSockets(server, {
    authenticator,
    graph: () => graphs.current,
    execute: ({ apollo }, payload, context) => executeOverSocket(apollo, metrics, payload, context),
    log,
    times: options.socketTimes ?? DEFAULT_SOCKET_TIMES,
    recheckMs: options.recheckMs ?? RECHECK_MS,
    maxMessageBytes: MAX_REQUEST_BYTES,
    maxOperations: MAX_SOCKET_OPERATIONS,
    allowedOrigins: options.allowedOrigins ?? [],
  });
  const port = await listen(server, options.port, options.host);
  const { family } = server.address() as AddressInfo;

  return {
    url: `http://${family === 'IPv6' ? `[${options.host}]` : options.host}:${port}`,
    replace: async (supergraph) => {
      graphs.replace(await serveGraph(supergraph, graphOptions), drainMs + OPERATION_DEADLINE_MS);
      void sockets.renew(drainMs);
    },
    stop: async () => {
      state.isDraining = true;
      health.drain();
      await sockets.drain(drainMs);
      await closeServer(server);
      await graphs.stop();
    },
  };
}
