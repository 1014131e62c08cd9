/** Answers in JSON; an error is `{error: {code, message, field?}}`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AuroraError } from '@aurorasoc/kit/errors';
import { lingerOn } from '@aurorasoc/kit/http';
import type { Logger } from '@aurorasoc/kit/log';

const STATUS: Readonly<Record<string, number>> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  TENANT_ERASED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_KEY_REUSED: 422,
  STORAGE_FULL: 503,
  SERVICE_UNAVAILABLE: 503,
};
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

/**
 * Answers with an error. One whose code is not meant for clients, or that is no `AuroraError`, goes to the log and is
 * answered as `INTERNAL_SERVER_ERROR`, without its message.
 */
export function answerError(request: IncomingMessage, response: ServerResponse, error: unknown, log: Logger): void {
  const known = error instanceof AuroraError && STATUS[error.code] !== undefined ? error : undefined;
  const status = STATUS[known?.code ?? ''] ?? 500;
  if (known === undefined)
    log.error({ error: error instanceof Error ? error.stack : String(error) }, 'A request failed');
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
