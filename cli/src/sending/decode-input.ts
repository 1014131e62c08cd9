/** The bytes of a file as UTF-8 text, whatever a shipper's archive or a Windows shell has made of it. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import { prepend } from './prepend.js';

const GZIP = Buffer.from([0x1f, 0x8b]);
/** Byte order marks of UTF-16, which is what `>` of Windows PowerShell writes. */
const UTF_16 = [
  { mark: Buffer.from([0xff, 0xfe]), encoding: 'utf-16le' },
  { mark: Buffer.from([0xfe, 0xff]), encoding: 'utf-16be' },
] as const;
const LONGEST_MARK = 2;

/**
 * Recognised by their first bytes, not by their names: gzip, also of several members, and UTF-16 with a byte order mark.
 * Everything else passes as it is.
 *
 * @param name - what errors call the input.
 * @throws AuroraError `BAD_USER_INPUT` when compressed input is damaged or cut off.
 */
export async function* decodeInput(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const input = await peek(chunks);
  yield* decodeText(startsWith(input.head, GZIP) ? await peek(unpack(input.whole, name)) : input);
}

interface Peeked {
  readonly head: Buffer;
  /** The input from its beginning, `head` included. */
  readonly whole: AsyncIterable<Buffer>;
}

async function peek(chunks: AsyncIterable<Buffer>): Promise<Peeked> {
  const rest = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.byteLength < LONGEST_MARK) {
    const { value, done } = await rest.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return { head, whole: prepend(head, rest) };
}

async function* unpack(packed: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  // What goes wrong in the pipeline also ends the reading below, which tells it.
  pipeline(Readable.from(packed), gunzip).catch(() => undefined);
  try {
    yield* gunzip;
  } catch (cause) {
    const publicMessage = `${name} looks like gzip and cannot be unpacked (${describeError(cause)})`;
    throw new AuroraError({ code: 'BAD_USER_INPUT', field: 'FILE', publicMessage, cause });
  }
}

async function* decodeText({ head, whole }: Peeked): AsyncGenerator<Buffer> {
  const found = UTF_16.find(({ mark }) => startsWith(head, mark));
  if (found === undefined) {
    yield* whole;
    return;
  }
  const decoder = new TextDecoder(found.encoding); // takes the mark away
  for await (const chunk of whole) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

function startsWith(bytes: Buffer, mark: Buffer): boolean {
  return bytes.subarray(0, mark.byteLength).equals(mark);
}
