/** Where ingested events lie: a port, so that a larger store can take PostgreSQL's place. */
import type { FieldTerm } from './search/parse-query.js';
import type { JsonValue } from './search/terms.js';

export interface StoredEvent {
  readonly id: string;
  readonly occurredAt: Date;
  readonly ingestedAt: Date;
  readonly code: string | null;
  readonly dataset: string | null;
  readonly hostName: string | null;
  readonly userName: string | null;
  readonly isRaw: boolean;
  /** The canonical ECS document, byte for byte as it was normalised. */
  readonly document: string;
}

export type EventDocument = { [key: string]: JsonValue };

/** An event on its way into the store: its document as text and parsed. */
export interface IncomingEvent {
  readonly id: string;
  readonly text: string;
  readonly document: EventDocument;
}

export interface EventSearch {
  readonly terms: readonly FieldTerm[];
  /** Inclusive, by `@timestamp`. */
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
  /** Keyset of the last event of the page before: `@timestamp` in RFC 3339, id. */
  readonly after?: readonly [occurredAt: string, id: string] | undefined;
  readonly limit: number;
}

export interface EventReader {
  /** Newest first; at most `limit`. */
  search(tenant: string, search: EventSearch): Promise<StoredEvent[]>;
  /** In any order; unknown ids and other tenants' are left out. */
  byIds(tenant: string, ids: readonly string[]): Promise<StoredEvent[]>;
}
