/** Cross-origin access, off unless origins are listed (Fetch standard, section 3.2, https://fetch.spec.whatwg.org). */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

const PREFLIGHT_SECONDS = 600;

/**
 * Sets the headers that let a listed origin read the answer. Credentials are never allowed: tokens travel in a header, so
 * that no page can use somebody's session by accident.
 *
 * @returns true when the request was a preflight and has been answered.
 */
export function answerCors(
  request: IncomingMessage,
  response: ServerResponse,
  allowedOrigins: readonly string[],
): boolean {
  const { origin } = request.headers;
  if (allowedOrigins.length > 0) response.setHeader('vary', 'Origin');
  if (origin === undefined || !allowedOrigins.includes(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', 'x-request-id');
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'authorization, content-type, apollo-require-preflight, traceparent, x-request-id',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  });
  response.end();
  return true;
}

/**
 * Whether a WebSocket may be opened from where it comes. Browsers ask no preflight for sockets but always tell the page's
 * origin (RFC 6455, section 10.2); programs that are no browsers tell none. A page that the gateway's own host served is ours.
 */
export function mayOpenSocket({ origin, host }: IncomingHttpHeaders, allowedOrigins: readonly string[]): boolean {
  if (origin === undefined || allowedOrigins.includes(origin)) return true;
  return URL.parse(origin)?.host === host?.toLowerCase();
}
