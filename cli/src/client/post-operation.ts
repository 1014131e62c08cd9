/** Queries and mutations: one POST each. */
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import { request } from 'undici';
import { z } from 'zod';
import { type PublicError, publicErrorSchema } from './graph-request-error.js';

export type Variables = Readonly<Record<string, unknown>>;

export interface Endpoint {
  /** Whole URL, ending in `/graphql`. */
  readonly url: string;
  readonly token: string;
  readonly timeoutMs: number;
}

const answerSchema = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(publicErrorSchema).optional(),
});

export interface GraphAnswer {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors: readonly PublicError[];
}

/** @throws AuroraError `SERVICE_UNAVAILABLE` when no gateway answers, or what answers is none. */
export async function postOperation(endpoint: Endpoint, query: string, variables: Variables): Promise<GraphAnswer> {
  const traceparent = currentTraceparent();
  const { status, text } = await post(endpoint, JSON.stringify({ query, variables }), {
    authorization: `Bearer ${endpoint.token}`,
    'content-type': 'application/json',
    accept: 'application/graphql-response+json, application/json',
    ...(traceparent === undefined ? {} : { traceparent }),
  });
  const answer = answerSchema.safeParse(parseJson(text));
  if (!answer.success) {
    throw new AuroraError({
      code: 'SERVICE_UNAVAILABLE',
      publicMessage: `${endpoint.url} answers with HTTP ${status} and no GraphQL result; is it the gateway?`,
    });
  }
  return { data: answer.data.data ?? null, errors: answer.data.errors ?? [] };
}

async function post(
  { url, timeoutMs }: Endpoint,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number; text: string }> {
  try {
    const response = await request(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.statusCode, text: await response.body.text() };
  } catch (cause) {
    const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
    throw new AuroraError({
      code: isTimeout ? 'DEADLINE_EXCEEDED' : 'SERVICE_UNAVAILABLE',
      publicMessage: isTimeout
        ? `The gateway ${url} has not answered for ${timeoutMs / 1000} s`
        : `The gateway ${url} cannot be reached (${describeError(cause)}); "aurora status" tells whether the site runs`,
      cause,
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says what came instead
  }
}
