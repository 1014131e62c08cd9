/**
 * Errors as every process of AuroraSOC throws them: a stable code, a sentence that may be shown to anybody, and a context
 * that goes to the log only. Evidence, host names and SQL never leave in `publicMessage`.
 */

/** Codes that clients may branch on. They appear as `extensions.code` in GraphQL and as `code` in HTTP bodies. */
export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'BAD_CURSOR'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'RATE_LIMITED'
  | 'TENANT_ERASED'
  | 'SCHEMA_OUTDATED'
  | 'SCHEMA_TOO_NEW'
  | 'SERVICE_UNAVAILABLE'
  | 'STORAGE_FULL'
  | 'DEADLINE_EXCEEDED'
  | 'CONFIGURATION_INVALID'
  | 'PORT_TAKEN'
  | 'INTERNAL_SERVER_ERROR'
  // Packages with vocabularies of their own (the service starter, the rule parser) add codes; the union keeps completion for the shared ones.
  | (string & {});

export interface AuroraErrorOptions {
  readonly code: ErrorCode;
  /** Safe to show: says what is wrong and what to do, without internals. */
  readonly publicMessage: string;
  /** Path of the offending input field, for example `input.alertId` or `events[3]`. */
  readonly field?: string;
  /** Seconds after which trying again makes sense; sent as `Retry-After` and `extensions.retryAfter`. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
  /** For the log only. */
  readonly context?: Readonly<Record<string, unknown>>;
}

export class AuroraError extends Error {
  readonly code: ErrorCode;
  readonly publicMessage: string;
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(options: AuroraErrorOptions) {
    super(options.publicMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.publicMessage = options.publicMessage;
    this.field = options.field;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.context = options.context ?? {};
  }
}

/** A message that no retry can mend: it goes to the dead-letter stream at once. */
export class PoisonMessageError extends AuroraError {
  constructor(publicMessage: string, options: { cause?: unknown; field?: string } = {}) {
    super({ code: 'POISON_MESSAGE', publicMessage, ...options });
  }
}

/** A message of a newer release than this one: it waits in the dead letters until a process that knows its form has started. */
export class NewerSchemaError extends AuroraError {
  constructor(publicMessage: string) {
    super({ code: 'SCHEMA_TOO_NEW', publicMessage });
  }
}

/** A dependency is away: wait with jitter and try again; such a failure never counts towards the dead-letter limit. */
export class TransientError extends AuroraError {
  constructor(publicMessage: string, options: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super({ code: 'SERVICE_UNAVAILABLE', publicMessage, ...options });
  }
}

export function badUserInput(field: string, publicMessage: string): AuroraError {
  return new AuroraError({ code: 'BAD_USER_INPUT', field, publicMessage });
}

/** The message of anything thrown, for logs; never for clients. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // AggregateError of a refused dual-stack connection has an empty message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describeError).join('; ');
  return error.message;
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  // PostgreSQL, https://www.postgresql.org/docs/16/errcodes-appendix.html: connection exceptions, shutdown,
  // a transaction that idled too long, too many connections.
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
  '57P01',
  '57P02',
  '57P03',
  '25P03',
  '53300',
]);

const WORKS_LATER = new Set<string>(['STORAGE_FULL', 'DEADLINE_EXCEEDED']);

/** What clients that lose their socket in mid-command say; they give no code. */
const CONNECTION_MESSAGES = new RegExp(
  [
    'Connection terminated',
    'timeout exceeded when trying to connect',
    'Client was closed',
    'Query read timeout',
    'is not queryable',
    // ioredis
    'Connection is closed',
    "Stream isn't writeable",
    'Reached the max retries per request limit',
  ].join('|'),
  'i',
);

/** True when the failure says that a service is away or full, not that the request was wrong. Looks through `cause` chains. */
export function isConnectionError(error: unknown): boolean {
  for (
    let current: unknown = error, depth = 0;
    current instanceof Error && depth < 8;
    current = current.cause, depth++
  ) {
    const code = (current as Error & { code?: unknown }).code;
    if (typeof code === 'string' && CONNECTION_CODES.has(code)) return true;
    if (current instanceof TransientError) return true;
    // A full disk is mended by a person, a slow database by time; the same request then works.
    if (current instanceof AuroraError && WORKS_LATER.has(current.code)) return true;
    if (current instanceof AggregateError && current.errors.some(isConnectionError)) return true;
    if (CONNECTION_MESSAGES.test(current.message)) return true;
  }
  return false;
}
