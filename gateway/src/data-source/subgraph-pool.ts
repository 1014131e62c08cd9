/** HTTP connections to one subgraph, and what its failures are called. */
import { AuroraError, isConnectionError } from '@aurorasoc/kit/errors';
import { errors, Pool } from 'undici';

export interface SubgraphRequest {
  readonly body: string;
  readonly headers: Record<string, string>;
  /** Milliseconds until the answer is of no use. */
  readonly timeoutMs: number;
}

export interface SubgraphResponse {
  readonly status: number;
  readonly body: string;
}

const CONNECTIONS = 64;
const CONNECT_TIMEOUT_MS = 2_000;
/** An answer larger than this is a missing page limit in the subgraph; the gateway's memory is shared by all tenants. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 2;

export class SubgraphPool {
  readonly #pool: Pool;
  readonly #path: string;

  constructor(
    readonly service: string,
    url: string,
  ) {
    const { origin, pathname } = new URL(url);
    this.#path = pathname;
    // No pipelining: a slow answer would hold up those behind it on the same connection.
    this.#pool = new Pool(origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    });
  }

  /** @throws AuroraError `SERVICE_UNAVAILABLE` or `DEADLINE_EXCEEDED`, with the subgraph's name. */
  async post(request: SubgraphRequest): Promise<SubgraphResponse> {
    try {
      const { statusCode, body } = await this.#pool.request({
        path: this.#path,
        method: 'POST',
        headers: request.headers,
        body: request.body,
        signal: AbortSignal.timeout(Math.max(1, request.timeoutMs)),
      });
      return { status: statusCode, body: await readText(body) };
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  #failure(cause: unknown): Error {
    if (cause instanceof DOMException && cause.name === 'TimeoutError') return deadlineExceeded(this.service, cause);
    if (isConnectionError(cause) || cause instanceof errors.UndiciError) return serviceUnavailable(this.service, cause);
    return cause instanceof Error ? cause : new Error(String(cause));
  }
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_RESPONSE_BYTES) throw new Error(`An answer is larger than ${MAX_RESPONSE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function serviceUnavailable(service: string, cause?: unknown): AuroraError {
  return new AuroraError({
    code: 'SERVICE_UNAVAILABLE',
    publicMessage: `The service "${service}" cannot be reached; its fields are missing until it is back`,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    context: { service },
    cause,
  });
}

export function deadlineExceeded(service: string, cause?: unknown): AuroraError {
  return new AuroraError({
    code: 'DEADLINE_EXCEEDED',
    publicMessage: `The service "${service}" did not answer in time; ask for less, or try again`,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    context: { service },
    cause,
  });
}
