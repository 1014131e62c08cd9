/** Request bodies with a bound. */
import type { IncomingMessage } from 'node:http';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';

/** @throws AuroraError `PAYLOAD_TOO_LARGE`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The body as Apollo Server expects it: parsed when it is declared as JSON, text otherwise, which Apollo refuses with the
 * reason.
 * @throws AuroraError `BAD_USER_INPUT` for malformed JSON.
 */
export function parseBody(contentType: string | undefined, text: string): unknown {
  if (!/^application\/(graphql-response\+)?json\b/i.test(contentType ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw badUserInput('body', 'The body is not valid JSON; send {"query": "...", "variables": {...}}');
  }
}

function tooLarge(maxBytes: number): AuroraError {
  return new AuroraError({
    code: 'PAYLOAD_TOO_LARGE',
    field: 'body',
    publicMessage: `A request holds at most ${maxBytes} bytes; split it up`,
  });
}
