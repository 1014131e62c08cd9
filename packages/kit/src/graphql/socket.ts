/** Live fields of a subgraph over WebSocket: identity at connect, closed when the session behind it ends. */
import type { Server } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Context } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { bearerToken, type TokenVerifier, type VerifiedIdentity } from '../auth/tokens.js';
import { AuroraError } from '../errors.js';
import type { Logger } from '../log.js';
import { toPublicError } from './errors.js';
import type { PrincipalContext } from './rights.js';

export interface LiveFieldsOptions<C extends PrincipalContext> {
  readonly schema: GraphQLSchema;
  readonly verifier: TokenVerifier;
  readonly contextFor: (base: PrincipalContext) => C;
  readonly log: Logger;
}

/** What a socket carries beside graphql-ws' own facts, from its connect to its end. */
type SocketExtra = Extra & { identity?: VerifiedIdentity; expiry?: NodeJS.Timeout } & Record<PropertyKey, unknown>;

/** Close code for "not, or no longer, allowed"; graphql-ws clients treat it as one they may retry with a new token. */
const FORBIDDEN = 4403;
const GOING_AWAY = 1001;

export function serveLiveFields<C extends PrincipalContext>(
  server: Server,
  options: LiveFieldsOptions<C>,
): { stop(): Promise<void> } {
  const sockets = new WebSocketServer({ server, path: '/graphql', maxPayload: 1024 * 1024 });
  const graphql = useServer<Record<string, unknown>, SocketExtra>(
    {
      schema: options.schema,
      onConnect: async (context) => {
        const token = bearerToken(context.connectionParams?.authorization);
        if (token === undefined) return false;
        try {
          context.extra.identity = await options.verifier.verify(token);
        } catch (error) {
          if (error instanceof AuroraError && error.code === 'UNAUTHENTICATED') return false;
          // Thrown on it would travel to the client as the reason of the closing.
          options.log.error({ error: error instanceof Error ? error.stack : String(error) }, 'A token was not checked');
          throw new Error('Internal server error');
        }
        closeAtSessionEnd(context);
        return true;
      },
      onDisconnect: (context) => clearTimeout(context.extra.expiry),
      context: (context) => {
        const identity = context.extra.identity;
        if (!identity) throw new Error('a socket without identity reached an operation');
        return options.contextFor({ principal: identity.principal });
      },
      onNext: (_context, _id, _payload, _args, result) =>
        result.errors
          ? { data: result.data ?? null, errors: result.errors.map((error) => toPublicError(error, options.log)) }
          : undefined,
      onError: (_context, _id, _payload, errors) => errors.map((error) => toPublicError(error, options.log)),
    },
    sockets,
  );
  return {
    stop: async () => {
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'Going away');
      await graphql.dispose();
    },
  };
}

function closeAtSessionEnd(context: Context<Record<string, unknown>, SocketExtra>): void {
  const { identity, socket } = context.extra;
  if (!identity) return;
  const remainingMs = Math.max(0, identity.sessionExpiresAt * 1000 - Date.now());
  // setTimeout takes at most 2^31-1 ms; sessions are shorter, whatever a token claims is cut to that.
  context.extra.expiry = setTimeout(
    () => socket.close(FORBIDDEN, 'Session ended'),
    Math.min(remainingMs, 2 ** 31 - 1),
  ).unref();
}
