/**
 * A live field, followed across disconnects: after each one it is asked for again with the cursor of the last item that was
 * dealt with, so nothing is missed and nothing comes twice.
 */
import { AuroraError } from '@aurorasoc/kit/errors';
import { backoffMs, sleep } from '@aurorasoc/kit/lifecycle';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { GraphRequestError, PASSING_CODES, type PublicError, publicErrorSchema } from './graph-request-error.js';
import type { Endpoint, Variables } from './post-operation.js';

export interface FollowOptions<T> {
  /**
   * Gets each item of the live field, in order, one at a time. Its cursor counts as reached once this has resolved; a throw
   * ends the following with that error.
   *
   * @param errors - what could not be resolved beside the item, for example a field of a subgraph that is away.
   */
  readonly onItem: (item: T, errors: readonly PublicError[]) => void | Promise<void>;
  /** Ends the following; it then resolves. */
  readonly signal?: AbortSignal;
  /** The connection is lost and is tried again until it is back; called once for each outage. */
  readonly onDisconnect?: (reason: string) => void;
  /** The first item after an outage is there. */
  readonly onReconnect?: () => void;
}

/** A socket that answers no ping for this long is dead, whatever the kernel believes. */
const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 3_000;

/** Close codes that no repetition mends (graphql-transport-ws; 4403 before the acknowledgement: the token). */
const FORBIDDEN = 4403;
const HOPELESS_CODES = new Set([4004, 4005, 4400, 4401, 4406, 4409, 4429]);

const errorListSchema = z.array(publicErrorSchema).min(1);
const closeSchema = z.object({ code: z.number(), reason: z.string() });
const socketErrorSchema = z.object({ message: z.string() });

interface Attempt {
  readonly client: Client;
  readonly state: {
    isAcknowledged: boolean;
    isCompleted: boolean;
    closed: { code: number; reason: string } | undefined;
  };
}

/**
 * @param document - one subscription with one root field that takes `$after: Cursor`; to be resumable its items select
 *   `cursor` (`since` for `ResyncRequired`).
 * @returns the cursor of the last item, once the server completes the subscription or the signal aborts.
 * @throws GraphRequestError when the graph refuses it; AuroraError `UNAUTHENTICATED` when it refuses the token.
 */
export async function follow<T>(
  endpoint: Endpoint,
  document: string,
  variables: Variables,
  options: FollowOptions<T>,
): Promise<string | undefined> {
  const { signal } = options;
  let cursor = typeof variables.after === 'string' ? variables.after : undefined;
  let isLost = false;
  for (let failures = 0; !signal?.aborted; failures++) {
    const attempt = openAttempt(endpoint);
    const items = attempt.client.iterate({
      query: document,
      variables: { ...variables, ...(cursor === undefined ? {} : { after: cursor }) },
    });
    const leave = (): void => void items.return?.();
    signal?.addEventListener('abort', leave, { once: true });
    let reason = 'the connection was closed';
    try {
      for await (const { data, errors } of items) {
        // Items that were received before the abort are still handed out.
        if (signal?.aborted) break;
        const item = Object.values(data ?? {})[0];
        if (isLost) options.onReconnect?.();
        isLost = false;
        // A null item is one whose resolution failed as a whole; it has no cursor, so it comes again after a reconnect.
        await options.onItem(item as T, publicErrors(errors));
        cursor = cursorOf(item) ?? cursor;
        failures = 0;
      }
      if (attempt.state.isCompleted) return cursor;
    } catch (error) {
      reason = reasonToRetry(error, attempt);
    } finally {
      signal?.removeEventListener('abort', leave);
      void disposeClient(attempt.client);
    }
    throwIfRefused(attempt, endpoint);
    if (signal?.aborted) break;
    if (!isLost) options.onDisconnect?.(attempt.state.closed?.reason || reason);
    isLost = true;
    await sleep(backoffMs(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS), signal);
  }
  return cursor;
}

/** One socket for one try: the library would otherwise ask again by itself, with the cursor of the beginning. */
function openAttempt({ url, token }: Endpoint): Attempt {
  const state: Attempt['state'] = { isAcknowledged: false, isCompleted: false, closed: undefined };
  let pongTimer: NodeJS.Timeout | undefined;
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
    keepAlive: PING_EVERY_MS,
    on: {
      connected: () => {
        state.isAcknowledged = true;
      },
      message: (message) => {
        if (message.type === 'complete') state.isCompleted = true;
      },
      closed: (event) => {
        clearTimeout(pongTimer);
        state.closed = closeSchema.safeParse(event).data;
        void disposeClient(client);
      },
      ping: (isReceived) => {
        if (!isReceived) pongTimer = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: (isReceived) => {
        if (isReceived) clearTimeout(pongTimer);
      },
    },
  });
  return { client, state };
}

async function disposeClient(client: Client): Promise<void> {
  try {
    await client.dispose();
  } catch {
    // A socket that never opened has nothing to close, and its failure has been told already.
  }
}

/** @returns why the connection is gone. @throws what is not a matter of the connection. */
function reasonToRetry(error: unknown, { state }: Attempt): string {
  const refusals = errorListSchema.safeParse(error);
  if (refusals.success) {
    const refusal = new GraphRequestError(refusals.data);
    if (!PASSING_CODES.has(refusal.code)) throw refusal;
    return refusal.publicMessage;
  }
  const closed = closeSchema.safeParse(error);
  if (closed.success) {
    state.closed ??= closed.data;
    return closed.data.reason || `closed with code ${closed.data.code}`;
  }
  // What the socket reports are events, not errors; anything else was thrown by the caller's own code.
  if (error instanceof Error) throw error;
  return socketErrorSchema.safeParse(error).data?.message || 'the gateway cannot be reached';
}

function throwIfRefused({ state }: Attempt, { url }: Endpoint): void {
  const { closed, isAcknowledged } = state;
  if (closed?.code === FORBIDDEN && !isAcknowledged) {
    throw new AuroraError({ code: 'UNAUTHENTICATED', publicMessage: `${url} does not accept this token` });
  }
  if (closed !== undefined && HOPELESS_CODES.has(closed.code)) {
    throw new AuroraError({
      code: 'BAD_USER_INPUT',
      publicMessage: `${url} closed the connection: ${closed.reason} (${closed.code})`,
    });
  }
}

function publicErrors(errors: unknown): readonly PublicError[] {
  return errorListSchema.safeParse(errors).data ?? [];
}

function cursorOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const { cursor, since } = item as { cursor?: unknown; since?: unknown };
  const place = cursor ?? since;
  return typeof place === 'string' ? place : undefined;
}
