/** Errors as they leave a subgraph: code, field, retry hint; nothing internal. */
import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { AuroraError } from '../errors.js';
import type { Logger } from '../log.js';
import { mistakenField } from './mistaken-field.js';

/** Codes that graphql-js and Apollo set themselves on mistakes of the client. */
const CLIENT_CODES = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_CURSOR',
  'PERSISTED_QUERY_NOT_FOUND',
  'OPERATION_RESOLUTION_FAILURE',
  'BAD_REQUEST',
]);

/** Maps one error; what is not known to be safe becomes "Internal server error" and goes to the log with its stack. */
export function formatError(formatted: GraphQLFormattedError, thrown: unknown, log: Logger): GraphQLFormattedError {
  const error = unwrapResolverError(thrown);
  const place = {
    ...(formatted.locations ? { locations: formatted.locations } : {}),
    ...(formatted.path ? { path: formatted.path } : {}),
  };
  if (error instanceof AuroraError) {
    if (error.cause !== undefined && error.code !== 'UNAUTHENTICATED')
      log.debug({ code: error.code, ...error.context, cause: String(error.cause) }, 'Request failed');
    return { message: error.publicMessage, ...place, extensions: publicExtensions(error) };
  }
  const code = formatted.extensions?.code;
  if (typeof code === 'string' && CLIENT_CODES.has(code))
    return describeMistake(formatted.message, place, code, thrown);
  log.error(
    { error: error instanceof Error ? error.stack : String(error), path: formatted.path },
    'Unexpected error in a resolver',
  );
  return { message: 'Internal server error', ...place, extensions: { code: 'INTERNAL_SERVER_ERROR' } };
}

/** Of a message of graphql-js, which repeats the client's value: enough for the place and the reason. */
const MESSAGE_START = 250;
const MESSAGE_END = 250;

/** A mistake of the client, named by the variable or the argument that it is in, where it is in one. */
function describeMistake(
  message: string,
  place: Pick<GraphQLFormattedError, 'locations' | 'path'>,
  code: string,
  thrown: unknown,
): GraphQLFormattedError {
  const isShort = message.length <= MESSAGE_START + MESSAGE_END;
  const field = thrown instanceof GraphQLError ? mistakenField(thrown.nodes) : undefined;
  return {
    message: isShort ? message : `${message.slice(0, MESSAGE_START)} … ${message.slice(-MESSAGE_END)}`,
    ...place,
    extensions: { code, ...(field === undefined ? {} : { field }) },
  };
}

export function publicExtensions(error: AuroraError): Record<string, unknown> {
  return {
    code: error.code,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfter: error.retryAfterSeconds }),
  };
}

/** The same mapping for errors outside of Apollo Server, as on sockets. */
export function toPublicError(error: GraphQLError, log: Logger): GraphQLFormattedError {
  return formatError(error.toJSON(), error, log);
}
