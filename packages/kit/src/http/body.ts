/** Request bodies with a bound, on connections that survive a refusal: the sender of too much still reads why. */
import type { IncomingMessage } from 'node:http';
import { AuroraError } from '../errors.js';

/** @throws AuroraError `PAYLOAD_TOO_LARGE` when the announced length alone is too much. */
export function checkAnnouncedLength(request: IncomingMessage, maxBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/**
 * The body, chunk by chunk, as it came over the wire.
 *
 * The request stays usable when reading ends early, by a throw here or at the reader's: leaving a plain `for await` would
 * destroy the socket, and the answer with it.
 *
 * @throws AuroraError `PAYLOAD_TOO_LARGE`
 */
export async function* readChunks(request: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
}

/** The whole body as UTF-8. @throws AuroraError `PAYLOAD_TOO_LARGE` */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  checkAnnouncedLength(request, maxBytes);
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(request, maxBytes)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const LINGER_MS = 2_000;
const LINGER_BYTES = 16 * 1024 * 1024;

/**
 * Reads on and throws away what a refused client still sends. Closing at once would reset the connection, and most
 * clients would report that instead of the answer. A client that never stops is cut off after 2 s or 16 MiB.
 */
export function lingerOn(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > LINGER_BYTES) request.destroy();
  });
  for (const end of ['close', 'end', 'error']) request.once(end, () => clearTimeout(timer));
}

function tooLarge(maxBytes: number): AuroraError {
  return new AuroraError({
    code: 'PAYLOAD_TOO_LARGE',
    field: 'body',
    publicMessage: `The body is larger than ${maxBytes} bytes on the wire; send it in several requests`,
  });
}
