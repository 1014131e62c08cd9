/** Why a line could not be read as a JSON event; also the value of `error.code` on the raw event it became. */
export type ReasonCode =
  | 'INVALID_UTF8'
  | 'INVALID_JSON'
  | 'LONE_SURROGATE'
  | 'DUPLICATE_KEY'
  | 'TOO_DEEP'
  | 'TOO_LARGE'
  | 'NOT_AN_OBJECT';

/** What the caller knows about a line and the line itself cannot say. */
export interface NormalizeContext {
  /** Becomes `event.id`; the caller's key for the event. */
  readonly eventId: string;
  /** RFC 3339 with offset; becomes `event.ingested`, and `@timestamp` when the line carries no time. */
  readonly ingested: string;
}

export interface ParsedEvent {
  readonly outcome: 'parsed';
  /** Canonical JSON (RFC 8785) of one ECS event. */
  readonly json: string;
  /** Id of the mapping spec that made the event, e.g. `windows.sysmon`. */
  readonly specId: string;
}

export interface RawEvent {
  readonly outcome: 'raw';
  /** Canonical JSON (RFC 8785) of one ECS event with `event.kind: "pipeline_error"` and the line as received. */
  readonly json: string;
  readonly reason: ReasonCode;
}

/** Every line becomes one of the two; nothing is dropped and nothing thrown. */
export type NormalizedEvent = ParsedEvent | RawEvent;

export interface Normalizer {
  /**
   * Turns one line, line ending removed, into one ECS event.
   *
   * @throws NormalizeError `INVALID_CONTEXT` if `context` is not what its type promises; never because of `line`.
   */
  normalize(line: Uint8Array, context: NormalizeContext): NormalizedEvent;
}
