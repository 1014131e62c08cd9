/** Reads a request body with a bound on every count: bytes on the wire, bytes after decompression, bytes of all requests. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { readChunks } from '@aurorasoc/kit/http';
import type { ByteShare } from './byte-budget.js';

export interface BodyLimits {
  /** On the wire, whatever the encoding. */
  readonly maxBodyBytes: number;
  /** After decompression. */
  readonly maxDecodedBytes: number;
}

export type ContentEncoding = 'gzip' | 'identity';

/**
 * Hands the decoded body to `onChunk`, chunk by chunk; a throw of it ends the reading.
 *
 * The request stays usable on failure (its socket carries the answer), with the rest of its body unread.
 *
 * @throws AuroraError `PAYLOAD_TOO_LARGE`, or `BAD_USER_INPUT` when the bytes are not gzip.
 */
export async function readBody(
  request: IncomingMessage,
  encoding: ContentEncoding,
  limits: BodyLimits,
  share: ByteShare,
  onChunk: (chunk: Buffer) => void,
): Promise<void> {
  const takeDecoded = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    let decodedBytes = 0;
    for await (const chunk of chunks) {
      decodedBytes += chunk.byteLength;
      if (decodedBytes > limits.maxDecodedBytes) throw tooLarge(limits.maxDecodedBytes);
      share.take(chunk.byteLength);
      onChunk(chunk);
    }
  };
  const wire = readChunks(request, limits.maxBodyBytes);
  if (encoding === 'identity') return takeDecoded(wire);
  try {
    await pipeline(Readable.from(wire, { objectMode: false }), createGunzip({ chunkSize: 64 * 1024 }), takeDecoded);
  } catch (error) {
    if (isZlibError(error))
      throw badUserInput('body', 'The body is not complete, valid gzip data, as Content-Encoding says');
    throw error;
  }
}

function tooLarge(maxBytes: number): AuroraError {
  return new AuroraError({
    code: 'PAYLOAD_TOO_LARGE',
    field: 'body',
    publicMessage: `The body is larger than ${maxBytes} bytes after decompression; send it in several requests`,
  });
}

function isZlibError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('Z_');
}
