/** The HTTP listener: the events endpoint, and health and metrics on the same port. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AuroraError } from '@aurorasoc/kit/errors';
import { answerHealth, type Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { type AcceptDependencies, acceptEvents } from './accept-events.js';
import { answerError, answerJson } from './answer.js';

export interface IngestServerOptions extends AcceptDependencies {
  readonly health: Health;
  readonly log: Logger;
  /** Longest time in which a client may send a request, milliseconds; then 408 and the connection is closed. */
  readonly requestTimeoutMs: number;
}

/** One request and the way to answer it. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Called when the body is about to be read. */
  readonly beforeBody: () => void;
}

const EVENTS_PATH = '/v1/events';
const HEADERS_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_MS = 1_000;

export function createIngestServer(options: IngestServerOptions): Server {
  const server = createServer({
    requestTimeout: options.requestTimeoutMs,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, options.requestTimeoutMs),
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, options.requestTimeoutMs),
  });
  const answer = async (exchange: Exchange): Promise<void> => {
    const write = await decideAnswer(options, exchange);
    // A connection that stays open would bring another request and hold the end of the process up.
    if (!server.listening && !exchange.response.headersSent) exchange.response.setHeader('connection', 'close');
    write();
  };
  server.on('request', (request, response) => void answer({ request, response, beforeBody: () => undefined }));
  // A client that asks first is told to go on only when it may write: a refused body is then never sent.
  server.on('checkContinue', (request, response) => {
    void answer({ request, response, beforeBody: () => response.writeContinue() });
  });
  return server;
}

/** Does what the request asks for. @returns what writes the answer; never throws. */
async function decideAnswer(options: IngestServerOptions, exchange: Exchange): Promise<() => void> {
  const { request, response } = exchange;
  try {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    return path === EVENTS_PATH
      ? await answerEvents(options, exchange)
      : await answerOther(options.health, path, response);
  } catch (error) {
    // A client that went away in mid-request is not there to be answered.
    if (request.destroyed && !request.complete) return () => undefined;
    return () => answerError(request, response, error, options.log);
  }
}

async function answerEvents(
  options: IngestServerOptions,
  { request, response, beforeBody }: Exchange,
): Promise<() => void> {
  const { requests } = options.metrics;
  try {
    if (request.method !== 'POST') {
      throw new AuroraError({ code: 'METHOD_NOT_ALLOWED', publicMessage: `Send events with POST ${EVENTS_PATH}` });
    }
    const { accepted, batches, isReplay } = await acceptEvents(options, request, beforeBody);
    requests.inc({ outcome: isReplay ? 'replayed' : 'accepted' });
    return () => answerJson(response, 202, { accepted, batches }, isReplay ? { 'idempotency-replayed': 'true' } : {});
  } catch (error) {
    requests.inc({ outcome: error instanceof AuroraError ? error.code : 'FAILED' });
    throw error;
  }
}

async function answerOther(health: Health, path: string, response: ServerResponse): Promise<() => void> {
  const answered = await answerHealth(health, path);
  if (answered === undefined) {
    throw new AuroraError({
      code: 'NOT_FOUND',
      publicMessage: `There is nothing at this path; events go to POST ${EVENTS_PATH}`,
    });
  }
  return () => {
    response.writeHead(answered.status, { 'content-type': answered.type });
    response.end(answered.body);
  };
}
