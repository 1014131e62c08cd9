/**
 * Cuts a TCP stream into syslog messages, as RFC 6587 describes both ways of doing so.
 *
 * Which of them a sender uses shows in its first byte: octet counting begins with the digits of a length (section 3.4.1),
 * a line with the `<` of its priority. A connection keeps the way it began with.
 */

export type FramingFault = 'bad_length' | 'too_long';

/** The stream cannot be read on: where the next message begins is not known. */
export class FramingError extends Error {
  constructor(
    readonly fault: FramingFault,
    message: string,
  ) {
    super(message);
  }
}

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;

const NOTHING = Buffer.alloc(0);
const LEAST_PARTIAL_BYTES = 256;

export class FrameReader {
  #framing: 'undecided' | 'counted' | 'lines' = 'undecided';
  /**
   * What has come of the message that has not ended, its first {@link #held} bytes. It grows by doubling: a sender of single
   * bytes costs at most twice its bytes, and each of them is copied but a few times.
   */
  #partial = NOTHING;
  #held = 0;
  /** Counted: digits read so far as a number; undefined before the first. */
  #length: number | undefined;
  /** Counted: length of the message whose bytes are being read. */
  #wanted: number | undefined;

  /**
   * @param maxBytes - of one message.
   * @param onFrame - gets each message without its framing and without line ends behind it; empty ones are left out. The
   *   bytes belong to the chunk and are to be copied before the next one.
   */
  constructor(
    private readonly maxBytes: number,
    private readonly onFrame: (frame: Buffer) => void,
  ) {}

  get framing(): 'undecided' | 'counted' | 'lines' {
    return this.#framing;
  }

  /** @throws FramingError; messages before the fault have been given out. */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.#framing === 'undecided') {
      at = skipLineEnds(chunk, at);
      const first = chunk[at];
      if (first === undefined) return;
      this.#framing = first > ZERO && first <= NINE ? 'counted' : 'lines';
    }
    if (this.#framing === 'counted') this.#readCounted(chunk, at);
    else this.#readLines(chunk, at);
  }

  /** Bytes of memory that the message takes which has not ended. */
  get heldBytes(): number {
    return this.#partial.byteLength;
  }

  /** The sender has ended. @returns true when it broke off in mid-message; a last line without its end is a message. */
  end(): boolean {
    if (this.#framing === 'counted') return this.#length !== undefined || this.#wanted !== undefined;
    if (this.#held > 0) this.#give(NOTHING);
    return false;
  }

  #readLines(chunk: Buffer, from: number): void {
    for (let at = from; at < chunk.byteLength; ) {
      const lineEnd = chunk.indexOf(LF, at);
      const end = lineEnd < 0 ? chunk.byteLength : lineEnd;
      this.#checkSize(this.#held + end - at);
      const piece = chunk.subarray(at, end);
      if (lineEnd < 0) this.#hold(piece);
      else this.#give(piece);
      at = end + 1;
    }
  }

  #readCounted(chunk: Buffer, from: number): void {
    for (let at = from; at < chunk.byteLength; ) {
      if (this.#wanted === undefined) {
        at = this.#readLength(chunk, at);
        continue;
      }
      const piece = chunk.subarray(at, at + this.#wanted - this.#held);
      at += piece.byteLength;
      if (this.#held + piece.byteLength < this.#wanted) this.#hold(piece);
      else {
        this.#wanted = undefined;
        this.#give(piece);
      }
    }
  }

  /** @returns the offset behind what was read: the length's end, or the chunk's. */
  #readLength(chunk: Buffer, from: number): number {
    // Some senders put a line end behind each message without counting it.
    let at = this.#length === undefined ? skipLineEnds(chunk, from) : from;
    for (; at < chunk.byteLength; at++) {
      const byte = chunk[at] as number;
      if (byte === SPACE && this.#length !== undefined) {
        this.#wanted = this.#length;
        this.#length = undefined;
        return at + 1;
      }
      const isDigit = byte >= (this.#length === undefined ? ZERO + 1 : ZERO) && byte <= NINE;
      if (!isDigit) throw new FramingError('bad_length', `byte ${byte} stands where the length of a message belongs`);
      this.#length = (this.#length ?? 0) * 10 + byte - ZERO;
      this.#checkSize(this.#length);
    }
    return at;
  }

  #checkSize(bytes: number): void {
    if (bytes > this.maxBytes) {
      throw new FramingError('too_long', `a message is longer than ${this.maxBytes} bytes`);
    }
  }

  /** The rest of the chunk, kept for the next one. Copied: a small rest must not hold a whole chunk in memory. */
  #hold(piece: Buffer): void {
    const held = this.#held + piece.byteLength;
    if (held > this.#partial.byteLength) {
      const doubled = Math.max(2 * this.#partial.byteLength, LEAST_PARTIAL_BYTES);
      // Of its own, not a piece of Node's pool, which would stay as long as the piece.
      const grown = Buffer.allocUnsafeSlow(Math.max(held, Math.min(doubled, this.maxBytes)));
      this.#partial.copy(grown, 0, 0, this.#held);
      this.#partial = grown;
    }
    this.#partial.set(piece, this.#held);
    this.#held = held;
  }

  #give(piece: Buffer): void {
    let whole = piece;
    if (this.#held > 0) {
      this.#hold(piece);
      whole = this.#partial.subarray(0, this.#held);
    }
    this.#partial = NOTHING;
    this.#held = 0;
    const frame = trimEnd(whole);
    if (frame.byteLength > 0) this.onFrame(frame);
  }
}

/** Without the line ends and NULs that senders put behind a message (RFC 6587, section 3.4.2). */
export function trimEnd(message: Buffer): Buffer {
  let end = message.byteLength;
  while (end > 0 && isTrailer(message[end - 1] as number)) end--;
  return message.subarray(0, end);
}

function isTrailer(byte: number): boolean {
  return byte === LF || byte === CR || byte === NUL;
}

function skipLineEnds(chunk: Buffer, from: number): number {
  let at = from;
  while (chunk[at] === LF || chunk[at] === CR) at++;
  return at;
}
