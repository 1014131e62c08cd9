/** Reads files of events in whatever form they have and cuts them into requests of a size that ingest takes well. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { decodeInput } from './decode-input.js';
import type { EventBody } from './post-events.js';
import { prepend } from './prepend.js';
import { isLineByLine, splitDocuments } from './split-documents.js';

/** `lines`: one event per line. `json`: JSON documents, pretty-printed or joined in any way. */
export type EventFormat = 'auto' | 'lines' | 'json';

/** Small enough that a repeated request costs little, large enough that the fsync behind each answer does not matter. */
const BODY_BYTES = 1024 * 1024;
const BODY_EVENTS = 5_000;
/** The first line is looked at up to here; ingest takes no longer lines. */
const LOOK_BYTES = 1024 * 1024;
/** Documents are split in memory. Files of lines have no limit. */
const MAX_DOCUMENT_BYTES = 512 * 1024 * 1024;
const LF = 0x0a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Compressed input and UTF-16 are recognised and decoded first, see {@link decodeInput}.
 *
 * @param name - what errors call the input.
 * @throws AuroraError `PAYLOAD_TOO_LARGE` for documents beyond what is held in memory, `BAD_USER_INPUT` for damaged gzip.
 */
export async function* readBodies(
  chunks: AsyncIterable<Buffer>,
  format: EventFormat,
  name: string,
): AsyncGenerator<EventBody> {
  const { head, rest } = await readHead(decodeInput(chunks, name));
  const isLines = format === 'lines' || (format === 'auto' && isLineByLine(firstLineOf(head)));
  if (isLines) yield* joinLines(prepend(head, rest));
  else yield* joinDocuments(await readWhole(prepend(head, rest), name));
}

/** Everything up to the end of the first line that is not blank. */
async function readHead(chunks: AsyncIterable<Buffer>): Promise<{ head: Buffer; rest: AsyncIterator<Buffer> }> {
  const rest = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.byteLength < LOOK_BYTES && !holdsLine(head)) {
    const { value, done } = await rest.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const hasMark = head.subarray(0, BYTE_ORDER_MARK.byteLength).equals(BYTE_ORDER_MARK);
  return { head: hasMark ? head.subarray(BYTE_ORDER_MARK.byteLength) : head, rest };
}

function holdsLine(head: Buffer): boolean {
  const start = head.findIndex((byte) => !isBlankByte(byte));
  return start >= 0 && head.indexOf(LF, start) >= 0;
}

function firstLineOf(head: Buffer): Buffer {
  const text = head.toString('latin1').trimStart();
  return Buffer.from(text.split('\n', 1)[0] ?? '', 'latin1');
}

/** Bodies end between lines; a line that is longer than a body is one of its own, for ingest to judge. */
async function* joinLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<EventBody> {
  let pending: Buffer[] = [];
  let bytes = 0;
  const take = (): EventBody => {
    const body = Buffer.concat(pending);
    pending = [];
    bytes = 0;
    return { contentType: 'application/x-ndjson', body };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = nextCut(chunk, start, bytes); end !== undefined; end = nextCut(chunk, start, bytes)) {
      pending.push(chunk.subarray(start, end));
      start = end;
      const body = take();
      if (!isBlank(body.body)) yield body;
    }
    pending.push(chunk.subarray(start));
    bytes += chunk.byteLength - start;
  }
  const last = take();
  if (!isBlank(last.body)) yield last;
}

/** Behind the last line end within the body's size, or behind the first one when a single line exceeds it. */
function nextCut(chunk: Buffer, start: number, pendingBytes: number): number | undefined {
  const room = BODY_BYTES - pendingBytes;
  if (chunk.byteLength - start < room) return undefined;
  const within = room > 0 ? chunk.lastIndexOf(LF, start + room - 1) : -1;
  const cut = within >= start ? within : chunk.indexOf(LF, start);
  return cut < 0 ? undefined : cut + 1;
}

function isBlank(body: Buffer): boolean {
  return body.every(isBlankByte);
}

function isBlankByte(byte: number): boolean {
  return byte === LF || byte === 0x0d || byte === 0x20 || byte === 0x09;
}

async function readWhole(chunks: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > MAX_DOCUMENT_BYTES) {
      throw new AuroraError({
        code: 'PAYLOAD_TOO_LARGE',
        field: name,
        publicMessage: `JSON documents are read up to ${MAX_DOCUMENT_BYTES} bytes; send one event per line, which has no limit`,
      });
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** Whole documents go as elements of an array, which keeps their bytes; others alone, for ingest to keep as they are. */
function* joinDocuments(text: Buffer): Generator<EventBody> {
  let pending: Buffer[] = [];
  let bytes = 0;
  const take = (): EventBody => {
    const body = Buffer.from(`[${pending.map((document) => document.toString('latin1')).join(',')}]`, 'latin1');
    pending = [];
    bytes = 0;
    return { contentType: 'application/json', body };
  };
  for (const { bytes: document, isWhole } of splitDocuments(text)) {
    const isFull = pending.length >= BODY_EVENTS || bytes + document.byteLength > BODY_BYTES;
    if (pending.length > 0 && (isFull || !isWhole)) yield take();
    if (isWhole) {
      pending.push(document);
      bytes += document.byteLength + 1;
    } else yield { contentType: 'application/json', body: document };
  }
  if (pending.length > 0) yield take();
}
