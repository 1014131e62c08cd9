/**
 * Which requests with an `Idempotency-Key` are stored already, so that a repeated one stores nothing twice.
 *
 * Kept in memory and relearned at start from the records that are still in the spool; see the README for what that means.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { newBatchId } from '@aurorasoc/kit/ids';
import type { BatchHeader, LineBlock } from '../batch/batch.js';

const WINDOW_MS = 24 * 3600 * 1000;
const MAX_KEYS = 100_000;
/**
 * How many of the keys of whoever has the most go at once. One by one, each request would walk over the gaps that those before it
 * left in the map.
 */
const SHARE_TO_FORGET = 1 / 100;
/** Printable ASCII. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/** A request as it was seen first. */
export class KnownRequest {
  /** Resolves when the request that is storing batches right now has ended, well or badly. */
  storing: Promise<void> | undefined;
  /** Indices of the batches that were found in the spool; undefined once it is known that all were stored. */
  #stored: Set<number> | undefined = new Set();

  /**
   * @param first - id of its first batch, from which those of the others follow: that of each would be 2,000 for a large request.
   * @param received - time of its acceptance, RFC 3339, whichever try stores a batch.
   * @param total - of its batches.
   */
  constructor(
    readonly digest: string,
    readonly first: string,
    readonly received: string,
    readonly total: number,
  ) {}

  hasStored(index: number): boolean {
    return this.#stored?.has(index) ?? true;
  }

  markStored(index: number): void {
    this.#stored?.add(index);
    if (this.#stored?.size === this.total) this.markComplete();
  }

  markComplete(): void {
    this.#stored = undefined;
  }
}

export class IdempotencyWindow {
  /** By tenant and key; those of a tenant in the order of first sight, so that the oldest are found first. */
  readonly #tenants = new Map<string, Map<string, KnownRequest>>();
  #size = 0;

  /** @param maxKeys - of all tenants; beyond it those go whose day is over and, without any, the oldest of whoever has the most. */
  constructor(
    private readonly now: () => number,
    private readonly maxKeys = MAX_KEYS,
  ) {}

  /** The request of this key, made when it is new. @throws AuroraError `IDEMPOTENCY_KEY_REUSED` when the events differ. */
  open(tenant: string, key: string, digest: string, batches: number): KnownRequest {
    const known = this.#tenants.get(tenant)?.get(key);
    if (known === undefined || this.#isOver(known)) {
      // Behind all others again.
      this.#forget(tenant, key);
      const request = new KnownRequest(digest, newBatchId(), new Date(this.now()).toISOString(), batches);
      this.#remember(tenant, key, request);
      return request;
    }
    if (known.digest === digest && known.total === batches) return known;
    throw new AuroraError({
      code: 'IDEMPOTENCY_KEY_REUSED',
      field: 'Idempotency-Key',
      publicMessage: 'This idempotency key was used for other events; use a new key for each request',
    });
  }

  /** Learns from a record that was found in the spool. One that does not tell the ids of its neighbours helps nobody. */
  recover({ tenant, received, request }: BatchHeader): void {
    if (request?.first === undefined) return;
    const { key, digest, first, index, total } = request;
    let known = this.#tenants.get(tenant)?.get(key);
    if (known === undefined) {
      known = new KnownRequest(digest, first, received, total);
      this.#remember(tenant, key, known);
    }
    // The key was used anew after its day, and records of both uses are left: the later one counts.
    else if (known.first !== first) {
      known = new KnownRequest(digest, first, received, total);
      this.#forget(tenant, key);
      this.#remember(tenant, key, known);
    }
    known.markStored(index);
  }

  #remember(tenant: string, key: string, request: KnownRequest): void {
    if (this.#size >= this.maxKeys) this.#forgetOld();
    if (this.#size >= this.maxKeys) this.#forgetOfGreatest();
    const ofTenant = this.#tenants.get(tenant) ?? new Map<string, KnownRequest>();
    this.#tenants.set(tenant, ofTenant.set(key, request));
    this.#size++;
  }

  /** Whether its day is over, and nobody stores it any more. */
  #isOver({ received, storing }: KnownRequest): boolean {
    return storing === undefined && Date.parse(received) < this.now() - WINDOW_MS;
  }

  /** Of every tenant: one that sends nothing any more would keep its keys for ever, in the place of those that others repeat. */
  #forgetOld(): void {
    for (const [tenant, requests] of this.#tenants) {
      for (const [key, request] of requests) {
        if (this.#isOver(request)) this.#forget(tenant, key);
        else if (request.storing === undefined) break;
      }
    }
  }

  /** Whoever sends the most keys crowds out nobody's but its own. */
  #forgetOfGreatest(): void {
    const [tenant, requests] = [...this.#tenants].reduce((one, other) => (other[1].size > one[1].size ? other : one));
    let left = Math.ceil(requests.size * SHARE_TO_FORGET);
    for (const [key, { storing }] of requests) {
      if (storing) continue;
      this.#forget(tenant, key);
      if (--left === 0) return;
    }
  }

  #forget(tenant: string, key: string): void {
    const ofTenant = this.#tenants.get(tenant);
    if (!ofTenant?.delete(key)) return;
    this.#size--;
    if (ofTenant.size === 0) this.#tenants.delete(tenant);
  }
}

/** The request's key; undefined when it has none. @throws AuroraError `BAD_USER_INPUT` when it is not a key. */
export function idempotencyKey(request: IncomingMessage): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw badUserInput('Idempotency-Key', 'Idempotency-Key must be 1 to 255 printable ASCII characters without spaces');
}

/** SHA-256 over the framed lines: equal for equal events, however they were chunked, compressed or separated. */
export function digestOf(blocks: readonly LineBlock[]): string {
  const hash = createHash('sha256');
  for (const { body } of blocks) hash.update(body);
  return hash.digest('base64url');
}
