/**
 * Which requests with an `Idempotency-Key` are stored already, so that a repeated one stores nothing twice.
 *
 * Kept in memory and relearned at start from the records that are still in the spool; see the README for what that means.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import type { BatchHeader, LineBlock } from '../batch/batch.js';

const WINDOW_MS = 24 * 3600 * 1000;
const MAX_KEYS = 100_000;
/** Printable ASCII. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/** A request as it was seen first. */
export interface KnownRequest {
  readonly digest: string;
  readonly firstSeenMs: number;
  /** Ids of the stored batches by their index; a hole is a batch that never reached the disk. */
  readonly batchIds: (string | undefined)[];
  /** Resolves when the request that is storing batches right now has ended, well or badly. */
  storing: Promise<void> | undefined;
}

export class IdempotencyWindow {
  /** In the order of first sight, so that the oldest are found first. */
  readonly #requests = new Map<string, KnownRequest>();

  constructor(private readonly now: () => number) {}

  /** The request of this key, made when it is new. @throws AuroraError `IDEMPOTENCY_KEY_REUSED` when the events differ. */
  open(tenant: string, key: string, digest: string, batches: number): KnownRequest {
    this.#forgetOld();
    const name = `${tenant} ${key}`;
    const known = this.#requests.get(name);
    if (known === undefined) {
      const request = { digest, firstSeenMs: this.now(), batchIds: new Array<undefined>(batches), storing: undefined };
      this.#requests.set(name, request);
      return request;
    }
    if (known.digest === digest && known.batchIds.length === batches) return known;
    throw new AuroraError({
      code: 'IDEMPOTENCY_KEY_REUSED',
      field: 'Idempotency-Key',
      publicMessage: 'This idempotency key was used for other events; use a new key for each request',
    });
  }

  /** Learns from a record that was found in the spool. */
  recover({ tenant, id, received, request }: BatchHeader): void {
    if (request === undefined) return;
    const name = `${tenant} ${request.key}`;
    const known = this.#requests.get(name) ?? {
      digest: request.digest,
      firstSeenMs: Date.parse(received),
      batchIds: new Array<undefined>(request.total),
      storing: undefined,
    };
    known.batchIds[request.index] = id;
    this.#requests.set(name, known);
  }

  #forgetOld(): void {
    const before = this.now() - WINDOW_MS;
    for (const [name, request] of this.#requests) {
      if (request.firstSeenMs >= before && this.#requests.size < MAX_KEYS) return;
      this.#requests.delete(name);
    }
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
