/**
 * Splits a body that arrives in chunks into lines (NDJSON, or any text with one event per line), in bounded memory.
 *
 * Lines end with LF or CR LF; the end is not part of the line. Lines of spaces, tabs and CR alone are left out, up to
 * {@link MAX_BLANK_LINES} of them; of others there are {@link MAX_LINES} at most. All other bytes, NUL and invalid UTF-8 included, stay as they are.
 */
import { AuroraError } from '@aurorasoc/kit/errors';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** Longest line that is accepted, in bytes: what the parsers behind it are built for. */
export const MAX_LINE_BYTES = 1024 * 1024;

/**
 * Most blank lines of a body. They bring nothing and count in no other limit, while 64 MiB of them come out of a few KiB of
 * gzip and cost over a second. A body of 64 MiB with a blank line behind every event stays below it,
 * unless its events are shorter than 66 bytes.
 */
export const MAX_BLANK_LINES = 1_000_000;

/**
 * Most lines of a body, blank ones not counted. Each is an event with an id, a document and a place in a batch: 64 MiB of lines
 * of one byte would be 33 million of them, and seconds of work for one request.
 */
export const MAX_LINES = 1_000_000;

export class LineSplitter {
  /** The unfinished line is `#rest` up to `#restBytes`; a copy, because a client may send it byte by byte. */
  #rest = Buffer.alloc(0);
  #restBytes = 0;
  #number = 1;
  #blankLines = 0;
  #lines = 0;

  /** @param onLine - gets each line as a view that is only valid during the call. */
  constructor(private readonly onLine: (line: Buffer) => void) {}

  /** @throws AuroraError `PAYLOAD_TOO_LARGE`, as soon as a line is too long (and names it) or lines are too many. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      // Empty lines take the short way; they are what the most lines can be packed into.
      if (end === start && this.#restBytes === 0) this.#countBlank();
      else this.#finishLine(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.byteLength) this.#keep(chunk.subarray(start));
  }

  /** The last line needs no line end. @throws AuroraError as {@link push} does. */
  end(): void {
    if (this.#restBytes > 0) this.#finishLine(Buffer.alloc(0));
  }

  #finishLine(last: Buffer): void {
    let line = last;
    if (this.#restBytes > 0) {
      this.#keep(last);
      line = this.#rest.subarray(0, this.#restBytes);
      this.#restBytes = 0;
    }
    if (line.at(-1) === CR) line = line.subarray(0, -1);
    if (line.byteLength > MAX_LINE_BYTES) throw lineTooLong(this.#number);
    if (isBlank(line)) this.#countBlank();
    else {
      this.#lines++;
      if (this.#lines > MAX_LINES) throw tooManyLines();
      this.onLine(line);
      this.#number++;
    }
  }

  #countBlank(): void {
    this.#number++;
    this.#blankLines++;
    if (this.#blankLines > MAX_BLANK_LINES) throw tooManyBlankLines();
  }

  #keep(piece: Buffer): void {
    const needed = this.#restBytes + piece.byteLength;
    // One byte more than a line may have: it could be the CR of the line's end.
    if (needed > MAX_LINE_BYTES + 1) throw lineTooLong(this.#number);
    if (needed > this.#rest.byteLength) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#rest.byteLength));
      this.#rest.copy(grown, 0, 0, this.#restBytes);
      this.#rest = grown;
    }
    this.#rest.set(piece, this.#restBytes);
    this.#restBytes = needed;
  }
}

export function lineTooLong(number: number): AuroraError {
  return new AuroraError({
    code: 'PAYLOAD_TOO_LARGE',
    field: `lines[${number}]`,
    publicMessage: `Line ${number} is longer than ${MAX_LINE_BYTES} bytes; nothing of the request was stored. Split or shorten that event`,
  });
}

function tooManyBlankLines(): AuroraError {
  return new AuroraError({
    code: 'PAYLOAD_TOO_LARGE',
    field: 'body',
    publicMessage: `The body holds more than ${MAX_BLANK_LINES} blank lines; nothing of the request was stored. Leave them out`,
  });
}

function tooManyLines(): AuroraError {
  return new AuroraError({
    code: 'PAYLOAD_TOO_LARGE',
    field: 'body',
    publicMessage: `The body holds more than ${MAX_LINES} lines; nothing of the request was stored. Send smaller bodies`,
  });
}

/** By index and by plain comparisons: a body may be blanks for all of its length, and iterators cost many times as much. */
function isBlank(line: Buffer): boolean {
  for (let at = 0; at < line.byteLength; at++) {
    const byte = line[at];
    if (byte !== SPACE && byte !== TAB && byte !== CR) return false;
  }
  return true;
}
