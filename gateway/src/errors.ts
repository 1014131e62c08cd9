/**
 * Errors as clients get them: `{message, path?, locations?, extensions: {code, requestId, field?, retryAfter?, service?}}`.
 *
 * A message leaves only when its author meant it for clients: our own errors, graphql-js and Apollo on a client's mistake,
 * and subgraphs, which mask their own. Everything else is logged and becomes "Internal server error".
 */
import { AuroraError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import { GraphQLError, type GraphQLErrorOptions, type GraphQLFormattedError } from 'graphql';
import { currentRequestId } from './request-context.js';

/** Codes that graphql-js and Apollo Server set on mistakes of the client; their messages are safe. */
const CLIENT_CODES = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);
const DOCUMENT_CODES = new Set(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED']);
/** Codes under which a subgraph says "something broke": the text may be anything, so it stays inside. */
const BROKEN_CODES = new Set(['INTERNAL_SERVER_ERROR', 'DOWNSTREAM_SERVICE_ERROR']);
/** Messages of graphql-js that leave out what is wrong. */
const REWORDED: ReadonlyMap<string, string> = new Map([
  // Of the rule OverlappingFieldsCanBeMerged, which gives up after so many pairs of fields.
  ['Validation aborted.', 'The document selects the same fields too often to compare them all; select each field once'],
  [
    'Too many validation errors, error limit reached. Validation aborted.',
    'The document has more than 100 errors; only the first 100 are listed',
  ],
]);
const MASKED = 'Internal server error';

/** Formats one error; logs what it hides. */
export function formatError(formatted: GraphQLFormattedError, thrown: unknown, log: Logger): GraphQLFormattedError {
  const place = {
    ...(formatted.locations ? { locations: formatted.locations } : {}),
    ...(formatted.path ? { path: formatted.path } : {}),
  };
  const original = innermost(thrown);
  if (original instanceof AuroraError)
    return { message: original.publicMessage, ...place, extensions: withRequest(extensionsOf(original)) };

  const given = formatted.extensions ?? {};
  const code = typeof given.code === 'string' ? given.code : undefined;
  const service =
    typeof given.service === 'string'
      ? given.service
      : typeof given.serviceName === 'string'
        ? given.serviceName
        : undefined;
  const isPublic = code !== undefined && (service === undefined ? CLIENT_CODES.has(code) : !BROKEN_CODES.has(code));
  if (isPublic) {
    const { field, retryAfter } = given;
    return {
      message: REWORDED.get(formatted.message) ?? formatted.message,
      ...place,
      extensions: withRequest({
        code,
        ...(typeof field === 'string' ? { field } : {}),
        ...(typeof retryAfter === 'number' ? { retryAfter } : {}),
        ...(service === undefined ? {} : { service }),
      }),
    };
  }
  log.error(
    { error: original instanceof Error ? original.stack : String(original), path: formatted.path, subgraph: service },
    'Unexpected error in an operation',
  );
  return {
    message: MASKED,
    ...place,
    extensions: withRequest({ code: 'INTERNAL_SERVER_ERROR', ...(service === undefined ? {} : { service }) }),
  };
}

/** The same for anything thrown outside of Apollo Server; the result can be sent by graphql-ws as it is. */
export function toPublicError(thrown: unknown, log: Logger): GraphQLError {
  const formatted: GraphQLFormattedError =
    thrown instanceof GraphQLError
      ? thrown.toJSON()
      : { message: thrown instanceof Error ? thrown.message : String(thrown) };
  const { message, path, extensions } = formatError(formatted, thrown, log);
  return new GraphQLError(message, {
    ...placeInDocument(thrown),
    ...(path ? { path } : {}),
    ...(extensions ? { extensions } : {}),
  });
}

/** Of mistakes in the document itself; what fails later may stand in a document that the client did not write. */
function placeInDocument(thrown: unknown): GraphQLErrorOptions {
  if (!(thrown instanceof GraphQLError) || !DOCUMENT_CODES.has(String(thrown.extensions.code))) return {};
  const { source, positions } = thrown;
  return { ...(source ? { source } : {}), ...(positions ? { positions } : {}) };
}

/** The body of a refusal that happens before GraphQL sees the request. */
export function errorBody(error: AuroraError): { errors: GraphQLFormattedError[] } {
  return { errors: [{ message: error.publicMessage, extensions: withRequest(extensionsOf(error)) }] };
}

/** What was thrown, out of the GraphQL errors that graphql-js, the plan and Apollo Server put around it. */
function innermost(thrown: unknown): unknown {
  let current = thrown;
  while (current instanceof GraphQLError && current.originalError instanceof Error) current = current.originalError;
  return current;
}

function extensionsOf(error: AuroraError): Record<string, unknown> {
  const service = error.context.service;
  return {
    code: error.code,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfter: error.retryAfterSeconds }),
    ...(typeof service === 'string' ? { service } : {}),
  };
}

function withRequest(extensions: Record<string, unknown>): Record<string, unknown> {
  const requestId = currentRequestId();
  return requestId === undefined ? extensions : { ...extensions, requestId };
}
