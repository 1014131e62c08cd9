/** Answers in JSON; an error is `{error: {code, message, field?}}`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AuroraError } from '@aurorasoc/kit/errors';

const STATUS: Readonly<Record<string, number>> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_KEY_REUSED: 422,
  STORAGE_FULL: 503,
  SERVICE_UNAVAILABLE: 503,
};
/** How long and how much of a refused body is still read, so that its sender gets to read the answer. */
const LINGER_MS = 2_000;
const LINGER_BYTES = 16 * 1024 * 1024;

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** Anything that is not an `AuroraError` is answered as `INTERNAL_SERVER_ERROR`, without its message. */
export function answerError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const known = error instanceof AuroraError && STATUS[error.code] !== undefined ? error : undefined;
  const status = STATUS[known?.code ?? ''] ?? 500;
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 405) headers.allow = 'POST';
  if (known?.retryAfterSeconds !== undefined) headers['retry-after'] = String(known.retryAfterSeconds);
  answerJson(
    response,
    status,
    {
      error: {
        code: known?.code ?? 'INTERNAL_SERVER_ERROR',
        message: known?.publicMessage ?? 'The request failed; the reason is in the log of the service',
        ...(known?.field === undefined ? {} : { field: known.field }),
      },
    },
    headers,
  );
  lingerOn(request);
}

/**
 * Reads on and throws away what a refused client still sends. Closing at once would reset the connection, and most
 * clients would report that instead of the answer. Both bounds end a client that never stops.
 */
function lingerOn(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > LINGER_BYTES) request.destroy();
  });
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
  request.once('error', () => clearTimeout(timer));
}
