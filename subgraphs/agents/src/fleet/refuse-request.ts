/** What an agent's server says to requests that its A2A library must not see, or cannot read: JSON-RPC errors, no internals. */
import { describeError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import type { ErrorRequestHandler, RequestHandler } from 'express';

/** Orders nest five deep; the library copies what it gets by recursion. */
const MAX_DEPTH = 100;
/** JSON-RPC 2.0, section 5.1. */
const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const INTERNAL_ERROR = -32_603;

/** To stand behind the parser of bodies. */
export const refuseDeepBody: RequestHandler = (request, response, next) => {
  if (!nestsDeeperThan(request.body, MAX_DEPTH)) return next();
  response.status(400).json(errorOf(INVALID_REQUEST, `The request nests more than ${MAX_DEPTH} deep`));
};

/** To stand last: in place of Express' own page, which shows the stack. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error);
    const status = statusOf(error);
    if (status >= 500) log.error({ error: describeError(error) }, 'An A2A request could not be answered');
    response.status(status).json(errorFor(status));
  };
}

function errorFor(status: number) {
  if (status === 413) return errorOf(INVALID_REQUEST, 'The request is too large');
  if (status === 415) return errorOf(INVALID_REQUEST, 'The encoding or character set of the request is not supported');
  if (status < 500) return errorOf(PARSE_ERROR, 'The request cannot be read');
  return errorOf(INTERNAL_ERROR, 'Internal error');
}

function errorOf(code: number, message: string) {
  return { jsonrpc: '2.0', id: null, error: { code, message } };
}

/** Express' parsers set it on mistakes of the client. */
function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  return status >= 400 && status < 600 ? status : 500;
}

/** Level by level, since recursion is what deep values break. */
function nestsDeeperThan(value: unknown, maxDepth: number): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return true;
    level = level.flatMap((nested) => Object.values(nested).filter(isNested));
  }
  return false;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
