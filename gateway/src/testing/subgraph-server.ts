/** A small federated subgraph over real HTTP and WebSocket that can be killed and started again on its port. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { bearerToken, type Principal, type TokenVerifier } from '@aurorasoc/kit/auth';
import { listen } from '@aurorasoc/kit/health';
import { execute, type GraphQLSchema, parse } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

export interface SubgraphContext {
  readonly principal: Principal;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface SeenRequest {
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  readonly subject: string;
}

type Resolvers = NonNullable<
  Extract<Parameters<typeof buildSubgraphSchema>[0], { typeDefs: unknown; resolvers?: unknown }>['resolvers']
>;

export class SubgraphServer {
  readonly schema: GraphQLSchema;
  /** Every request over HTTP since the start of the spec. */
  readonly requests: SeenRequest[] = [];
  /** `connectionParams` of every socket. */
  readonly connections: Readonly<Record<string, unknown>>[] = [];
  /** Awaited before each answer over HTTP: lets a spec hold requests in flight. */
  beforeAnswer: (query: string) => Promise<void> = () => Promise.resolve();
  #server: Server | undefined;
  #sockets: WebSocketServer | undefined;
  #port = 0;

  constructor(
    sdl: string,
    resolvers: Resolvers,
    private readonly verifier: TokenVerifier,
  ) {
    this.schema = buildSubgraphSchema({ typeDefs: parse(sdl), resolvers });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/graphql`;
  }

  get openSockets(): number {
    return this.#sockets?.clients.size ?? 0;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request).then(
        (body) => response.end(body),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    const sockets = new WebSocketServer({ server, path: '/graphql' });
    useServer<Record<string, unknown>, { principal?: Principal } & Record<PropertyKey, unknown>>(
      {
        schema: this.schema,
        onConnect: async (context) => {
          const token = bearerToken(context.connectionParams?.authorization);
          if (token === undefined) return false;
          context.extra.principal = (await this.verifier.verify(token)).principal;
          this.connections.push({ ...context.connectionParams });
          return true;
        },
        context: (context) => ({ principal: context.extra.principal, headers: {} }),
      },
      sockets,
    );
    this.#port = await listen(server, this.#port, '127.0.0.1');
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Ends as a killed process does: sockets reset, nothing said. */
  async kill(): Promise<void> {
    const server = this.#server;
    for (const socket of this.#sockets?.clients ?? []) socket.terminate();
    this.#sockets?.close();
    if (!server?.listening) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { query, variables } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
      query: string;
      variables?: Record<string, unknown>;
    };
    const { principal } = await this.verifier.verify(bearerToken(request.headers.authorization) ?? '');
    this.requests.push({ query, headers: request.headers, subject: principal.subject });
    await this.beforeAnswer(query);
    const contextValue: SubgraphContext = { principal, headers: request.headers };
    return JSON.stringify(
      await execute({ schema: this.schema, document: parse(query), variableValues: variables ?? {}, contextValue }),
    );
  }
}
