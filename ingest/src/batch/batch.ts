/**
 * A batch: the lines of one request, a part of them, or one message of a device, as one unit of storage, publication and
 * acknowledgement.
 *
 * Lines are kept as the bytes that arrived, each behind its length (unsigned 32 bits, big endian), in one buffer: a line
 * may hold any byte, and a million short lines are not a million objects.
 */

export const MAX_LINES_OF_BATCH = 512;
export const MAX_BYTES_OF_BATCH = 256 * 1024;
/** Of the length before each line. */
export const LENGTH_BYTES = 4;

/** Lines of one tenant, not yet named. */
export interface LineBlock {
  readonly lines: number;
  /** Framed lines, in the order of their arrival. */
  readonly body: Buffer;
}

/** What the spool keeps about a batch beside its lines. */
export interface BatchHeader {
  /** Of events from `newBatchId`: their ids are derived from it by line number. */
  readonly id: string;
  /** Empty for a message of a device: its enrolment says whose it is, which is not known here. */
  readonly tenant: string;
  /** The device that sent the message, which is the batch's one line; absent: the lines are events. */
  readonly device?: string | undefined;
  /** Time of acceptance, RFC 3339; becomes `event.ingested` of each event, on every resend the same. */
  readonly received: string;
  readonly lines: number;
  /** W3C trace context of the request that brought the batch. */
  readonly traceparent?: string | undefined;
  /** Set when the request carried an idempotency key. */
  readonly request?: BatchRequest | undefined;
}

export interface BatchRequest {
  readonly key: string;
  /** SHA-256 over the framed lines of the whole request, base64url. */
  readonly digest: string;
  /** Id of the request's first batch, from which those of all others follow; absent in records of former releases. */
  readonly first?: string | undefined;
  /** Which of the request's batches this is, from 0. */
  readonly index: number;
  readonly total: number;
}

export interface Batch {
  readonly header: BatchHeader;
  readonly body: Buffer;
}

/** Collects framed lines into blocks of at most {@link MAX_LINES_OF_BATCH} lines and {@link MAX_BYTES_OF_BATCH}; a longer line is a block of its own. */
export class BlockBuilder {
  readonly #blocks: LineBlock[] = [];
  #open = Buffer.alloc(0);
  #used = 0;
  #lines = 0;

  /** Adds one line. Copies it, so that its bytes may be reused. */
  add(line: Uint8Array): void {
    const framed = LENGTH_BYTES + line.byteLength;
    const isFull = this.#lines === MAX_LINES_OF_BATCH || this.#used + framed > MAX_BYTES_OF_BATCH;
    if (isFull && this.#lines > 0) this.#close();
    this.#reserve(framed);
    this.#open.set(line, this.#open.writeUInt32BE(line.byteLength, this.#used));
    this.#used += framed;
    this.#lines++;
  }

  /** All blocks so far; the builder starts anew. */
  finish(): LineBlock[] {
    if (this.#lines > 0) this.#close();
    return this.#blocks.splice(0);
  }

  #close(): void {
    this.#blocks.push({ lines: this.#lines, body: this.#open.subarray(0, this.#used) });
    this.#open = Buffer.alloc(0);
    this.#used = 0;
    this.#lines = 0;
  }

  #reserve(needed: number): void {
    if (this.#open.byteLength - this.#used >= needed) return;
    const grown = Buffer.allocUnsafeSlow(
      Math.max(this.#used + needed, Math.min(2 * this.#open.byteLength, MAX_BYTES_OF_BATCH), 512),
    );
    this.#open.copy(grown, 0, 0, this.#used);
    this.#open = grown;
  }
}

/**
 * The lines of a body, in order, without copying.
 * @throws RangeError when a length points beyond the body: the bytes are not framed lines.
 */
export function* readLines(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.byteLength; ) {
    const start = at + LENGTH_BYTES;
    const end = start + (start <= body.byteLength ? body.readUInt32BE(at) : Number.POSITIVE_INFINITY);
    if (end > body.byteLength) throw new RangeError(`line at byte ${at} ends beyond its batch`);
    yield body.subarray(start, end);
    at = end;
  }
}
