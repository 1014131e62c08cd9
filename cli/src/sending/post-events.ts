/** One batch of events to ingest, sent until it is accepted or refused. */
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import { backoffMs, sleep } from '@aurorasoc/kit/lifecycle';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import { request } from 'undici';
import { z } from 'zod';

const compress = promisify(gzip);

export interface EventBody {
  readonly contentType: 'application/x-ndjson' | 'application/json';
  readonly body: Buffer;
}

export interface PostEventsOptions {
  /** Base URL of ingest. */
  readonly ingestUrl: string;
  readonly token: string;
  readonly signal?: AbortSignal;
  /** For how long a batch is tried again while ingest is away or full, milliseconds. @default 60000 */
  readonly retryForMs?: number;
  /** Told of a batch's first failure when it is going to be tried again; the second argument is `retryForMs`. */
  readonly onRetry?: (problem: AuroraError, retryForMs: number) => void;
}

export interface Acceptance {
  readonly accepted: number;
  /** Ids of the batches; an event's id is that of its batch with its line number. */
  readonly batches: readonly string[];
}

const acceptanceSchema = z.object({ accepted: z.int(), batches: z.array(z.uuid()) });
const refusalSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }),
});

const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_FOR_MS = 60_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

type Outcome =
  | { readonly acceptance: Acceptance }
  | { readonly problem: AuroraError; readonly waitMs: number | undefined };

/**
 * Every try carries the same idempotency key, so a try whose answer was lost stores nothing twice.
 *
 * @throws AuroraError with ingest's own code when it refuses the events or the token; `SERVICE_UNAVAILABLE` when it could
 *   not take them within `retryForMs`.
 */
export async function postEvents(events: EventBody, options: PostEventsOptions): Promise<Acceptance> {
  const body = await compress(events.body);
  const headers = headersFor(events, options.token);
  const retryForMs = options.retryForMs ?? RETRY_FOR_MS;
  const deadline = performance.now() + retryForMs;
  for (let attempt = 0; ; attempt++) {
    const outcome = await tryOnce(`${options.ingestUrl.replace(/\/$/, '')}/v1/events`, headers, body);
    if ('acceptance' in outcome) return outcome.acceptance;
    if (outcome.waitMs === undefined || options.signal?.aborted || performance.now() > deadline) throw outcome.problem;
    if (attempt === 0) options.onRetry?.(outcome.problem, retryForMs);
    await sleep(Math.max(outcome.waitMs, backoffMs(attempt, FIRST_RETRY_MS, LONGEST_RETRY_MS)), options.signal);
  }
}

function headersFor({ contentType }: EventBody, token: string): Record<string, string> {
  const traceparent = currentTraceparent();
  return {
    authorization: `Bearer ${token}`,
    'content-type': contentType,
    'content-encoding': 'gzip',
    'idempotency-key': randomUUID(),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** @returns a problem with the time to wait when a later try may meet none. */
async function tryOnce(url: string, headers: Record<string, string>, body: Buffer): Promise<Outcome> {
  try {
    const response = await request(url, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const answer = parseJson(await response.body.text());
    const accepted = acceptanceSchema.safeParse(answer);
    if (response.statusCode < 300 && accepted.success) return { acceptance: accepted.data };
    return judgeRefusal(url, response.statusCode, answer, Number(response.headers['retry-after']));
  } catch (cause) {
    const publicMessage = `Ingest ${url} cannot be reached (${describeError(cause)}); "aurora status" tells whether the site runs`;
    return { problem: new AuroraError({ code: 'SERVICE_UNAVAILABLE', publicMessage, cause }), waitMs: 0 };
  }
}

function judgeRefusal(url: string, status: number, answer: unknown, retryAfterSeconds: number): Outcome {
  const refusal = refusalSchema.safeParse(answer).data?.error;
  const problem = new AuroraError({
    code: refusal?.code ?? 'SERVICE_UNAVAILABLE',
    publicMessage: refusal?.message ?? `${url} answers with HTTP ${status}; is it ingest?`,
    ...(refusal?.field === undefined ? {} : { field: refusal.field }),
  });
  const mayPass = status === 408 || status === 429 || status >= 500;
  const waitMs = Number.isFinite(retryAfterSeconds) ? retryAfterSeconds * 1000 : 0;
  return { problem, waitMs: mayPass ? waitMs : undefined };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // judged by its status
  }
}
