/** From a request to blocks of lines: headers checked, body decoded within limits, split by its content type. */
import type { IncomingMessage } from 'node:http';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { checkAnnouncedLength } from '@aurorasoc/kit/http';
import { BlockBuilder, type LineBlock } from '../batch/batch.js';
import type { ByteShare } from './byte-budget.js';
import { LineSplitter, lineTooLong, MAX_LINE_BYTES } from './line-splitter.js';
import { type BodyLimits, type ContentEncoding, readBody } from './read-body.js';
import { isLineSeparated, splitJsonDocument } from './split-json-document.js';

const LINE_TYPES = new Set(['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'text/plain']);
const DOCUMENT_TYPE = 'application/json';

/** What has been read when a request is refused: how many lines. */
export interface LineCount {
  lines: number;
}

/**
 * @param count - kept up to date while lines are read, for the count of refused events.
 * @returns at least one block; lines in the order of the body.
 * @throws AuroraError `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `BAD_USER_INPUT` (no line, broken gzip).
 */
export async function readEvents(
  request: IncomingMessage,
  limits: BodyLimits,
  share: ByteShare,
  count: LineCount,
): Promise<LineBlock[]> {
  const type = contentType(request);
  const encoding = contentEncoding(request);
  checkAnnouncedLength(request, limits.maxBodyBytes);
  const builder = new BlockBuilder();
  const add = (line: Buffer): void => {
    builder.add(line);
    count.lines++;
  };
  if (type === DOCUMENT_TYPE) await readDocument(request, encoding, limits, share, add);
  else await readLineByLine(request, encoding, limits, share, add);
  const blocks = builder.finish();
  if (blocks.length === 0) throw badUserInput('body', 'The body holds no event; send at least one line');
  return blocks;
}

async function readLineByLine(
  request: IncomingMessage,
  encoding: ContentEncoding,
  limits: BodyLimits,
  share: ByteShare,
  add: (line: Buffer) => void,
): Promise<void> {
  const splitter = new LineSplitter(add);
  await readBody(request, encoding, limits, share, (chunk) => splitter.push(chunk));
  splitter.end();
}

/** A document is held as a whole, so its decoded size has the limit of the wire. */
async function readDocument(
  request: IncomingMessage,
  encoding: ContentEncoding,
  limits: BodyLimits,
  share: ByteShare,
  add: (line: Buffer) => void,
): Promise<void> {
  const chunks: Buffer[] = [];
  const documentLimits = { ...limits, maxDecodedBytes: Math.min(limits.maxBodyBytes, limits.maxDecodedBytes) };
  await readBody(request, encoding, documentLimits, share, (chunk) => chunks.push(chunk));
  const body = Buffer.concat(chunks);
  if (isLineSeparated(body)) {
    const splitter = new LineSplitter(add);
    splitter.push(body);
    splitter.end();
    return;
  }
  for (const [index, event] of splitJsonDocument(body).entries()) {
    if (event.byteLength > MAX_LINE_BYTES) throw lineTooLong(index + 1);
    add(event);
  }
}

function contentType(request: IncomingMessage): string {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === DOCUMENT_TYPE || LINE_TYPES.has(type)) return type;
  throw new AuroraError({
    code: 'UNSUPPORTED_MEDIA_TYPE',
    field: 'Content-Type',
    publicMessage: `Content-Type must be application/x-ndjson, text/plain (one event per line) or application/json`,
  });
}

function contentEncoding(request: IncomingMessage): ContentEncoding {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === 'gzip') return encoding;
  throw new AuroraError({
    code: 'UNSUPPORTED_MEDIA_TYPE',
    field: 'Content-Encoding',
    publicMessage: 'Content-Encoding must be gzip or identity',
  });
}
