/** The gateway's graph as workers and agents ask it: one door for all of them, with the token of one investigation. */
import { AuroraError, describeError, isConnectionError, TransientError } from '@aurorasoc/kit/errors';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import { Agent, request } from 'undici';
import { z } from 'zod';

const answerSchema = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(
      z
        .object({ message: z.string(), extensions: z.object({ code: z.string().optional() }).loose().optional() })
        .loose(),
    )
    .optional(),
});

export interface GraphCall {
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly token: string;
  readonly signal?: AbortSignal | undefined;
}

/** A page of large events may take the gateway a while; its own limit for a query is 10 s. */
const TIMEOUT_MS = 15_000;
const MAX_BYTES = 32 * 1024 * 1024;

export class GraphClient {
  readonly #url: string;
  readonly #agent = new Agent({ connections: 16, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });

  /** @param gatewayUrl - with or without `/graphql`. */
  constructor(gatewayUrl: string) {
    const base = gatewayUrl.replace(/\/+$/, '');
    this.#url = base.endsWith('/graphql') ? base : `${base}/graphql`;
  }

  /**
   * The operation's data, as `schema` reads it.
   *
   * @throws TransientError when the gateway, or a service behind it, is away.
   * @throws AuroraError with the graph's own code when it refuses the operation; `INTERNAL_SERVER_ERROR` when its answer does
   * not fit the schema.
   */
  async query<S extends z.ZodType>(schema: S, { document, variables, token, signal }: GraphCall): Promise<z.output<S>> {
    const body = await this.#post(JSON.stringify({ query: document, variables }), token, signal);
    const answer = answerSchema.safeParse(parseJson(body));
    if (!answer.success) throw new TransientError('The gateway gave an answer that is not GraphQL');
    const [error] = answer.data.errors ?? [];
    if (error) throw toError(error.message, error.extensions?.code);
    const data = schema.safeParse(answer.data.data);
    if (!data.success)
      throw new AuroraError({
        code: 'INTERNAL_SERVER_ERROR',
        publicMessage: `The graph answered in an unexpected shape: ${z.prettifyError(data.error)}`,
      });
    return data.data;
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #post(body: string, token: string, signal: AbortSignal | undefined): Promise<string> {
    const traceparent = currentTraceparent();
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    try {
      const response = await request(this.#url, {
        method: 'POST',
        headers,
        body,
        dispatcher: this.#agent,
        ...(signal ? { signal } : {}),
      });
      const text = await readText(response.body);
      if (response.statusCode === 401)
        throw new AuroraError({ code: 'UNAUTHENTICATED', publicMessage: 'The gateway did not accept the token' });
      if (response.statusCode >= 500) throw new TransientError(`The gateway answered ${response.statusCode}`);
      return text;
    } catch (error) {
      if (signal?.aborted || error instanceof AuroraError || !isConnectionError(error)) throw error;
      throw new TransientError(`The gateway cannot be reached: ${describeError(error)}`, { cause: error });
    }
  }
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES)
      throw new AuroraError({ code: 'PAYLOAD_TOO_LARGE', publicMessage: 'The answer of the graph is too large' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Reported by the caller, as any other body that is not an answer.
    return undefined;
  }
}

const TRANSIENT_CODES = new Set(['SERVICE_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED']);

function toError(message: string, code = 'INTERNAL_SERVER_ERROR'): AuroraError {
  if (TRANSIENT_CODES.has(code)) return new TransientError(`The graph is not available: ${message}`);
  return new AuroraError({ code, publicMessage: message });
}
