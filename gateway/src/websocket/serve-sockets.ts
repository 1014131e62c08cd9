/** GraphQL over WebSocket on `/graphql`, subprotocol graphql-transport-ws: subscriptions, queries and mutations. */
import { randomInt } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { AuroraError, describeError, TransientError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import { inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import type { ExecutionArgs, ExecutionResult, FormattedExecutionResult, GraphQLError } from 'graphql';
import { type Context, handleProtocols, makeServer, type OperationResult } from 'graphql-ws';
import { WebSocket, WebSocketServer } from 'ws';
import type { Authenticator, Session } from '../auth/authenticator.js';
import { toPublicError } from '../errors.js';
import { mayOpenSocket } from '../http/cors.js';
import { targetOf } from '../http/request-target.js';
import { createContext, type GatewayContext, withRequestId } from '../request-context.js';
import type { ServedGraph } from '../served-graph.js';
import { SessionWatch } from './session-watch.js';
import type { SocketOperation } from './socket-operation.js';
import { type SocketExtra, type SocketTimes, SocketWriter } from './socket-writer.js';

export interface SocketsOptions {
  readonly authenticator: Authenticator;
  /** What is served now. */
  readonly graph: () => ServedGraph;
  /** Runs queries and mutations. */
  readonly execute: (
    graph: ServedGraph,
    payload: SocketOperation['payload'],
    context: GatewayContext,
  ) => Promise<ExecutionResult>;
  readonly log: Logger;
  readonly times: SocketTimes;
  readonly recheckMs: number;
  readonly maxMessageBytes: number;
  readonly maxOperations: number;
  /** Origins whose pages may open sockets, beside the gateway's own. */
  readonly allowedOrigins: readonly string[];
}

export interface ServedSockets {
  /** Takes no new sockets and operations, closes each socket at a random moment within `maxDelayMs`, and waits for them. */
  drain(maxDelayMs: number): Promise<void>;
  /** Closes each socket that is open now in the same way, so that its client connects anew, and waits for them. */
  renew(maxDelayMs: number): Promise<void>;
}

type ConnectionParams = Record<string, unknown>;
interface ClientExtra extends SocketExtra {
  session?: Session;
  /** Ends the socket's subscriptions now, whether or not the client answers the closing handshake. */
  readonly close: (code: number, reason: string) => void;
}
type ClientContext = Context<ConnectionParams, ClientExtra>;

const GOING_AWAY = 1001;
/** A client that does not answer the closing handshake while the gateway drains is cut off. */
const CLOSE_WAIT_MS = 1_000;

export function serveSockets(server: Server, options: SocketsOptions): ServedSockets {
  const { log, times } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols,
  });
  const watch = new SessionWatch(options.recheckMs);
  const state = { isDraining: false };
  const graphql = makeServer<ConnectionParams, ClientExtra>({
    onConnect: (context) => connect(context, options, watch),
    onSubscribe: (context, _id, payload) => prepare(context, payload, options, state),
    subscribe,
    execute: (args) => execute(args, options),
    // Results are formatted already; graphql-ws would call toJSON on each of their errors.
    onNext: (_context, _id, _payload, _args, result) => result as FormattedExecutionResult,
  });

  server.on('upgrade', (request, stream, head) => {
    if (state.isDraining) return refuseUpgrade(stream, '503 Service Unavailable');
    if (targetOf(request)?.path !== '/graphql') return refuseUpgrade(stream, '404 Not Found');
    if (!mayOpenSocket(request.headers, options.allowedOrigins)) return refuseUpgrade(stream, '403 Forbidden');
    sockets.handleUpgrade(request, stream, head, (socket) => open(socket, request));
  });

  function open(socket: WebSocket, request: IncomingMessage): void {
    const close = (code: number, reason: string): void => {
      socket.close(code, reason);
      end(code, reason);
    };
    // Twice when the gateway closes: messages that cross the closing handshake can still open something.
    const end = (code: number, reason: string): void => {
      watch.remove(socket);
      void closed(code, reason);
    };
    const extra: ClientExtra = { socket, request, close };
    const closed = graphql.opened(new SocketWriter(socket, times, log, close), extra);
    socket.once('close', (code, reason) => end(code, String(reason)));
    socket.on('error', (error) => log.debug({ error: describeError(error) }, 'A client socket failed'));
  }

  const renew = async (maxDelayMs: number): Promise<void> => {
    await Promise.all([...sockets.clients].map((socket) => closeLater(socket, maxDelayMs)));
  };
  return {
    renew,
    drain: async (maxDelayMs) => {
      state.isDraining = true;
      await renew(maxDelayMs);
      watch.stop();
      sockets.close();
    },
  };
}

/** `false` makes graphql-ws close with 4403, which its clients retry with a new token. */
async function connect(
  context: ClientContext,
  { authenticator }: SocketsOptions,
  watch: SessionWatch,
): Promise<boolean> {
  try {
    const session = await authenticator.authenticate(context.connectionParams?.authorization);
    context.extra.session = session;
    // The client may have left while its token was checked.
    if (context.extra.socket.readyState === WebSocket.OPEN)
      watch.add(context.extra.socket, session, context.extra.close);
    return true;
  } catch (error) {
    if (error instanceof AuroraError) return false;
    throw error;
  }
}

function prepare(
  context: ClientContext,
  payload: SocketOperation['payload'],
  options: SocketsOptions,
  state: { isDraining: boolean },
): ExecutionArgs | readonly GraphQLError[] {
  const { session } = context.extra;
  if (!session) throw new Error('a socket without session reached an operation');
  const operationContext = createContext(session);
  return withRequestId(operationContext.requestId, () => {
    try {
      if (state.isDraining)
        throw new TransientError('This gateway is about to stop; connect again', { retryAfterSeconds: 1 });
      if (Object.keys(context.subscriptions).length > options.maxOperations) {
        throw new AuroraError({
          code: 'RATE_LIMITED',
          publicMessage: `A socket runs at most ${options.maxOperations} operations at a time`,
        });
      }
      const graph = options.graph();
      const read = graph.operations.read(payload, operationContext);
      if (!('operation' in read)) return read.map((error) => toPublicError(error, options.log));
      return {
        schema: graph.operations.schema,
        document: read.document,
        operationName: payload.operationName,
        variableValues: payload.variables,
        contextValue: new PreparedOperation(graph, read.operation),
      };
    } catch (error) {
      return [toPublicError(error, options.log)];
    }
  });
}

function subscribe({ contextValue }: ExecutionArgs): OperationResult {
  const { graph, operation } = asPrepared(contextValue);
  const { live, context } = operation;
  if (!live) throw new Error('a query reached the subscriptions');
  const attributes = { 'graphql.operation.type': 'subscription', 'graphql.field': live.fieldName };
  return inSpan('graphql subscription', { kind: SpanKind.SERVER, root: true, attributes }, () =>
    withRequestId(context.requestId, async () => graph.subscriptions.subscribe(live, context)),
  );
}

function execute({ contextValue }: ExecutionArgs, options: SocketsOptions): OperationResult {
  const { graph, operation } = asPrepared(contextValue);
  const { payload, context } = operation;
  return withRequestId(context.requestId, () => options.execute(graph, payload, context));
}

/** An operation on the graph that it was validated by. */
class PreparedOperation {
  constructor(
    readonly graph: ServedGraph,
    readonly operation: SocketOperation,
  ) {}
}

function asPrepared(value: unknown): PreparedOperation {
  if (value instanceof PreparedOperation) return value;
  throw new Error('graphql-ws ran something that the gateway did not prepare');
}

/** Node.js gives the connection away with its error listeners: without one here, a client that resets it ends the process. */
function refuseUpgrade(stream: Duplex, status: string): void {
  stream.on('error', () => stream.destroy());
  // Connections of HTTP servers stay half open: a client that never ends its side would keep its socket.
  stream.once('finish', () => stream.destroy());
  stream.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

/** At a random moment, so that the clients of a stopping gateway do not all fall upon its replicas at once. */
function closeLater(socket: WebSocket, maxDelayMs: number): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    setTimeout(
      () => {
        socket.close(GOING_AWAY, 'Going away');
        setTimeout(() => socket.terminate(), CLOSE_WAIT_MS);
      },
      randomInt(maxDelayMs + 1),
    );
  });
}
