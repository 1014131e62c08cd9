import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { postEvents } from './post-events.js';

const ACCEPTED = { accepted: 1, batches: ['0199a000-0000-7000-8000-000000000000'] };
const EVENTS = { contentType: 'application/x-ndjson', body: Buffer.from('{"a":1}\n') } as const;

interface Received {
  readonly key: string;
  readonly text: string;
}

/** Answers each request by the next of `answers`, the last one for ever. */
async function serve(...answers: ((response: ServerResponse) => void)[]) {
  const received: Received[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    received.push({ key: String(request.headers['idempotency-key']), text: gunzipSync(body).toString() });
    answers[Math.min(received.length, answers.length) - 1]?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  return { ingestUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'token', received };
}

const answer = (status: number, body: unknown) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};
const refuse = (status: number, code: string) =>
  answer(status, { error: { code, message: `because of ${code}`, field: 'body' } });

describe('posting events', () => {
  it('repeats a request whose answer was lost under the same idempotency key', async () => {
    const ingest = await serve(
      (response) => response.destroy(),
      refuse(503, 'SERVICE_UNAVAILABLE'),
      answer(202, ACCEPTED),
    );
    expect(await postEvents(EVENTS, ingest)).toEqual(ACCEPTED);
    expect(ingest.received).toHaveLength(3);
    expect(new Set(ingest.received.map(({ key }) => key)).size).toBe(1);
    expect(ingest.received[2]?.text).toBe('{"a":1}\n');
  });

  it('does not repeat what was refused for good', async () => {
    const ingest = await serve(refuse(413, 'PAYLOAD_TOO_LARGE'));
    await expect(postEvents(EVENTS, ingest)).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      field: 'body',
      publicMessage: 'because of PAYLOAD_TOO_LARGE',
    });
    expect(ingest.received).toHaveLength(1);
  });

  it('gives up when its time is over', async () => {
    const ingest = await serve(refuse(503, 'STORAGE_FULL'));
    await expect(postEvents(EVENTS, { ...ingest, retryForMs: 0 })).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  });

  it('tells at the first failure, and only then, for how long it tries again', async () => {
    const ingest = await serve(refuse(503, 'STORAGE_FULL'), refuse(503, 'STORAGE_FULL'), answer(202, ACCEPTED));
    const told: unknown[] = [];
    await postEvents(EVENTS, { ...ingest, retryForMs: 9_000, onRetry: ({ code }, ms) => told.push([code, ms]) });
    expect(told).toEqual([['STORAGE_FULL', 9_000]]);
  });

  it('takes no other program for ingest', async () => {
    const ingest = await serve(answer(200, { hello: 'world' }));
    await expect(postEvents(EVENTS, ingest)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });
});
