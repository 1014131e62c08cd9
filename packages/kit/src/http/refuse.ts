/** How the servers of the graph answer a request with an error outside of GraphQL. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AuroraError } from '../errors.js';
import type { Logger } from '../log.js';
import { lingerOn } from './body.js';

const STATUS: Readonly<Record<string, number>> = {
  BAD_REQUEST: 400,
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  NOT_FOUND: 404,
  PAYLOAD_TOO_LARGE: 413,
  SERVICE_UNAVAILABLE: 503,
};

/**
 * Answers with an error. What is no `AuroraError` goes to the log with its stack, and to the client as
 * `INTERNAL_SERVER_ERROR`.
 *
 * @param toBody - the error as the client reads it.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  log: Logger,
  toBody: (error: AuroraError) => unknown,
): void {
  // A client that went away in mid-request is not there to be answered, and its going is no fault of ours.
  if (request.destroyed && !request.complete) return;
  const known =
    error instanceof AuroraError
      ? error
      : new AuroraError({ code: 'INTERNAL_SERVER_ERROR', publicMessage: 'Internal server error', cause: error });
  if (known !== error)
    log.error({ error: error instanceof Error ? error.stack : String(error) }, 'A request could not be answered');
  if (response.headersSent) return void response.destroy();
  response.writeHead(STATUS[known.code] ?? 500, {
    'content-type': 'application/json; charset=utf-8',
    ...(known.code === 'UNAUTHENTICATED' ? { 'www-authenticate': 'Bearer' } : {}),
    ...(known.retryAfterSeconds === undefined ? {} : { 'retry-after': String(known.retryAfterSeconds) }),
  });
  response.end(`${JSON.stringify(toBody(known))}\n`);
  lingerOn(request);
}
