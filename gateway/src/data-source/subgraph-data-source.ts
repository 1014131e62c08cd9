/**
 * How plans reach a subgraph. The gateway library's own data source builds Headers and Request objects and a client per
 * service for each fetch; this one sends the text over a pool, merges identical reads, and names its failures.
 */
import type { GraphQLDataSource, GraphQLDataSourceProcessOptions } from '@apollo/gateway';
import { AuroraError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import type { SignFor } from '../auth/internal-tokens.js';
import type { GatewayContext } from '../request-context.js';
import type { ReadMerger } from './merge-reads.js';
import { deadlineExceeded, type SubgraphPool, type SubgraphResponse, serviceUnavailable } from './subgraph-pool.js';

export interface SubgraphDataSourceOptions {
  readonly pool: SubgraphPool;
  readonly signFor: SignFor;
  readonly reads: ReadMerger<SubgraphResponse>;
  readonly health: Health;
  readonly log: Logger;
}

type ProcessOptions = GraphQLDataSourceProcessOptions<GatewayContext>;
type Answer = Awaited<ReturnType<GraphQLDataSource['process']>>;

/** The component of `/healthz` that tells of a subgraph, as of the last answer. */
export const componentOf = (subgraph: string): string => `subgraph:${subgraph}`;

export class SubgraphDataSource implements GraphQLDataSource<GatewayContext> {
  constructor(private readonly options: SubgraphDataSourceOptions) {}

  /**
   * @returns a fresh object per call: running a plan writes into what it gets.
   * @throws AuroraError `SERVICE_UNAVAILABLE` or `DEADLINE_EXCEEDED`; the plan turns it into nulls and one error.
   */
  async process(options: ProcessOptions): Promise<Answer> {
    const { pool, reads } = this.options;
    const context = options.context as GatewayContext;
    const { query, variables, operationName } = options.request;
    const body = JSON.stringify({ query, variables, operationName });
    const send = (): Promise<SubgraphResponse> => this.#send(body, context);
    if (isClientQuery(options)) {
      return this.#read(await reads.read(`${pool.service} ${context.session.sharing} ${body}`, send));
    }
    if (query === undefined || !/^\s*mutation\b/.test(query)) return this.#read(await send());
    try {
      return this.#read(await send());
    } finally {
      reads.forgetReads();
    }
  }

  async #send(body: string, context: GatewayContext): Promise<SubgraphResponse> {
    const { pool, signFor } = this.options;
    const timeoutMs = context.deadlineAt - Date.now();
    if (timeoutMs <= 0) throw deadlineExceeded(pool.service);
    const traceparent = currentTraceparent();
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: await signFor(pool.service, context.session),
      'x-request-id': context.requestId,
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    try {
      return await pool.post({ body, headers, timeoutMs });
    } catch (error) {
      if (error instanceof AuroraError) this.#setTrouble(error.code);
      throw error;
    }
  }

  #read({ status, body }: SubgraphResponse): Answer {
    const { pool, log, health } = this.options;
    if (status === 401) {
      // The client's own token was accepted, so this is a wrong key file on our side; "unauthenticated" would log it out.
      log.error({ subgraph: pool.service }, 'A subgraph refused the internal token');
      this.#setTrouble('refuses the internal token');
      throw serviceUnavailable(pool.service);
    }
    const answer = parseAnswer(body);
    if (answer) {
      health.set(componentOf(pool.service), 'up');
      return answer;
    }
    log.error({ subgraph: pool.service, status }, 'A subgraph answered with something that is not GraphQL');
    this.#setTrouble(`answers ${status} and no GraphQL`);
    throw serviceUnavailable(pool.service);
  }

  #setTrouble(reason: string): void {
    const { health, pool } = this.options;
    health.set(componentOf(pool.service), 'degraded', reason);
  }
}

/**
 * Only what queries read is merged: the entity fetches of a mutation must see its effect, and those of a live item must
 * not be older than the item.
 */
function isClientQuery(options: ProcessOptions): boolean {
  return 'incomingRequestContext' in options && options.incomingRequestContext.operation?.operation === 'query';
}

function parseAnswer(body: string): Answer | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && ('data' in parsed || 'errors' in parsed)
      ? (parsed as Answer)
      : undefined;
  } catch {
    return undefined;
  }
}
