/** One item of a live field on its way through the gateway. */

import { compareCursors, isSameEpoch } from '@aurorasoc/kit/live/cursor';
import type { ExecutionResult } from 'graphql';
import { CURSOR_ALIAS, TYPE_ALIAS } from './reserved-selections.js';

export type ItemKind = 'change' | 'caught-up' | 'resync';

/** One GraphQL error as a subgraph sends it. */
export interface UpstreamError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** What a subgraph sent, before the other subgraphs' fields are in it. */
export interface UpstreamEvent {
  readonly kind: ItemKind;
  /** Undefined for fields without cursors, and for items that failed so far up that nothing is left of them. */
  readonly cursor: string | undefined;
  readonly payload: { data?: Record<string, unknown> | null; errors?: readonly UpstreamError[] };
  /** Length of the message's text. */
  readonly bytes: number;
}

/** A finished item; one object is shared by all clients that get it, and nobody writes into it. */
export interface LiveItem {
  readonly kind: ItemKind;
  readonly cursor: string | undefined;
  readonly result: ExecutionResult;
  readonly bytes: number;
}

export function readEvent(payload: UpstreamEvent['payload'], responseKey: string, bytes: number): UpstreamEvent {
  const item = payload.data?.[responseKey] as Record<string, unknown> | null | undefined;
  const type = item?.[TYPE_ALIAS];
  const cursor = item?.[CURSOR_ALIAS];
  return {
    kind: type === 'CaughtUp' ? 'caught-up' : type === 'ResyncRequired' ? 'resync' : 'change',
    cursor: typeof cursor === 'string' ? cursor : undefined,
    payload,
    bytes,
  };
}

/** True when a reader that is at `place` has had `item` already. */
export function isCoveredBy(item: LiveItem, place: string | undefined): boolean {
  if (place === undefined || item.cursor === undefined || item.kind === 'resync' || !isSameEpoch(item.cursor, place))
    return false;
  const order = compareCursors(item.cursor, place);
  // "Caught up" has the place of the change before it, when that was the newest one.
  return item.kind === 'caught-up' ? order < 0 : order <= 0;
}
