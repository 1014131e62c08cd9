/** What the bench and the processes that it forks say to each other. */

/** To the fleet of clients. */
export type FleetOrder =
  /** Opens so many clients, who share the tokens by turns; answered by `ready` once each has caught up. */
  | {
      readonly kind: 'open';
      readonly url: string;
      readonly tokens: readonly string[];
      readonly clients: number;
      readonly query: string;
    }
  /** Answered by `delivered` once each client has so many changes more than at the last such order. */
  | { readonly kind: 'await'; readonly changes: number }
  /** Ends every connection as a broken network does; each client comes back with its last cursor. Answered by `ready`. */
  | { readonly kind: 'cut' }
  /** Answered by `report`. */
  | { readonly kind: 'report' };

export type FleetAnswer =
  | { readonly kind: 'ready' }
  /** @property ms - from the first delivery to the last. */
  | { readonly kind: 'delivered'; readonly ms: number }
  | {
      readonly kind: 'report';
      readonly delivered: number;
      /** Changes that one client has and another has not, summed over all clients. */
      readonly lost: number;
      readonly twice: number;
      readonly resyncs: number;
      readonly reconnects: number;
    };

/** To the bare server: pushes so many changes to each client, one after the other. */
export interface PushOrder {
  readonly kind: 'push';
  readonly changes: number;
}
