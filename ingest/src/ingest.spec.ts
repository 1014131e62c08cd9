import { mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { eventIdOf } from '@aurorasoc/kit/ids';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ingest, IngestOptions } from './create-ingest.js';
import { type RedisServer, startRedis } from './testing/redis.js';
import { makeFolder, metric, send, startIngest, type TestFolder, until } from './testing/site.js';
import { StandInStorage } from './testing/storage.js';

// Servers and processes start and end in these specs; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let redis: RedisServer;
let folder: TestFolder;
let storage: StandInStorage;
let ingest: Ingest;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

beforeEach(async () => {
  await redis.client.flushall();
  folder = makeFolder();
  storage = new StandInStorage(redis.client).start();
});
afterEach(async () => {
  await ingest.stop();
  await storage.stop();
  folder.remove();
});

const start = async (overrides: Partial<IngestOptions> = {}): Promise<void> => {
  ingest = await startIngest(folder, redis.url, overrides);
};
const line = (number: number): string => JSON.stringify({ message: `event ${number}` });
const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => line(from + index)).join('\n');
const MIB = 1024 * 1024;
/** A connection on which a body above the limit was announced, and how it ended. */
function openRefused(length: number) {
  const socket = connect(ingest.port, '127.0.0.1');
  const error = new Promise<Error | undefined>((resolve) => {
    let failure: Error | undefined;
    socket.on('error', (thrown) => {
      failure = thrown;
    });
    socket.on('close', () => resolve(failure));
  });
  const head = `POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${folder.token}\r\nContent-Type: text/plain`;
  socket.write(`${head}\r\nContent-Length: ${length}\r\n\r\n`);
  return { socket, error };
}
const isBalanced = async (): Promise<boolean> => (await metric(ingest, 'ingest_unacknowledged_batches')) === 0;
const originals = (): string[] =>
  storage.events().map((event) => String((event.event as { original?: unknown }).original));

describe('accepting events', () => {
  it('publishes NDJSON in batches of at most 512 lines, each event under an id made of batch and line', async () => {
    await start();
    const answer = await send(ingest.port, folder.token, `${lines(0, 1_200)}\n\n`);
    expect(answer).toMatchObject({ status: 202, accepted: 1_200 });
    expect(answer.batches).toHaveLength(3);
    await until(() => storage.entries.size === 3, 'all batches are stored');
    const ids = answer.batches.flatMap((id) =>
      (storage.entries.get(id)?.body ?? '')
        .split('\n')
        .map((document) => (JSON.parse(document) as { event: { id: string } }).event.id),
    );
    expect(ids).toHaveLength(1_200);
    expect(ids[600]).toBe(eventIdOf(answer.batches[1] ?? '', 88));
    expect([...storage.entries.values()].every(({ tenant }) => tenant === folder.tenant)).toBe(true);
    await until(isBalanced, 'everything is acknowledged');
    for (const name of ['accepted', 'published', 'acknowledged'])
      expect(await metric(ingest, `ingest_events_${name}_total`)).toBe(1_200);
  });

  it('decompresses gzip', async () => {
    await start();
    const answer = await send(ingest.port, folder.token, gzipSync(lines(0, 3)), { 'content-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 202, accepted: 3 });
    await until(() => storage.events().length === 3, 'the events are stored');
  });

  it('takes application/json as one document, an array of events, or lines', async () => {
    await start();
    const json = { 'content-type': 'application/json; charset=utf-8' };
    expect(await send(ingest.port, folder.token, '{\n  "a": 1\n}', json)).toMatchObject({ status: 202, accepted: 1 });
    expect(await send(ingest.port, folder.token, '[{"a":1},{"b":[2,3]}]', json)).toMatchObject({
      status: 202,
      accepted: 2,
    });
    expect(await send(ingest.port, folder.token, lines(0, 4), json)).toMatchObject({ status: 202, accepted: 4 });
    await until(() => storage.events().length === 7, 'the events are stored');
    expect(await metric(ingest, 'ingest_events_raw_total')).toBe(0);
  });

  it('keeps the bytes of a plain text line', async () => {
    await start();
    await send(ingest.port, folder.token, '<34>Oct 11 host su: "quoted" \\ and tab\t end\r\n', {
      'content-type': 'text/plain',
    });
    await until(() => storage.events().length === 1, 'the event is stored');
    expect(originals()).toEqual(['<34>Oct 11 host su: "quoted" \\ and tab\t end']);
    expect(await metric(ingest, 'ingest_events_raw_total')).toBe(1);
  });

  it('forces many requests to disk together', async () => {
    await start();
    // How many come together is up to the machine; that any do is not.
    await until(async () => {
      const before = await metric(ingest, 'ingest_spool_syncs_total');
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, number) => send(ingest.port, folder.token, line(number))),
      );
      expect(answers.every(({ status }) => status === 202)).toBe(true);
      return (await metric(ingest, 'ingest_spool_syncs_total')) - before < 100;
    }, 'two requests shared a sync');
  });

  it('counts events as accepted and as unacknowledged at the same moment, while a request goes to disk in parts', async () => {
    storage.isAcknowledging = false;
    await start({ spoolMaxBytes: 16 * MIB });
    const body = Array.from({ length: 6_000 }, (_, number) => `${number} ${'x'.repeat(1_000)}`).join('\n');
    const sending = send(ingest.port, folder.token, body, { 'content-type': 'text/plain' });
    const answered = { isOver: false };
    void sending.finally(() => Object.assign(answered, { isOver: true }));
    while (!answered.isOver) {
      const [accepted, unacknowledged] = await Promise.all([
        metric(ingest, 'ingest_events_accepted_total'),
        metric(ingest, 'ingest_unacknowledged_events'),
      ]);
      expect(unacknowledged).toBe(accepted);
      await new Promise(setImmediate);
    }
    expect(await sending).toMatchObject({ status: 202, accepted: 6_000 });
    expect(await metric(ingest, 'ingest_unacknowledged_events')).toBe(6_000);
    expect(await metric(ingest, 'ingest_spool_syncs_total')).toBeGreaterThan(1);
  });

  it('lets go of what storage has discarded, as of what it has stored', async () => {
    storage.isAcknowledging = false;
    storage.isDiscarding = true;
    await start();
    await send(ingest.port, folder.token, lines(0, 20));
    expect(await metric(ingest, 'ingest_unacknowledged_events')).toBe(20);
    storage.isAcknowledging = true;
    await until(async () => (await metric(ingest, 'ingest_unacknowledged_events')) === 0, 'the spool is empty');
  });

  it('refuses the events of a tenant from the first batch on that storage has discarded, and no others', async () => {
    storage.isDiscarding = true;
    await start();
    expect(await send(ingest.port, folder.token, line(0))).toMatchObject({ status: 202 });
    await until(isBalanced, 'the batch is discarded');
    const refused = await send(ingest.port, folder.token, line(1));
    expect(refused).toMatchObject({ status: 403, error: { code: 'TENANT_ERASED', field: 'Authorization' } });
    expect(storage.entries.size).toBe(1);
    storage.isDiscarding = false;
    expect(await send(ingest.port, folder.otherToken, line(2))).toMatchObject({ status: 202 });
    await until(isBalanced, 'the batch of the other is stored');
    expect(await send(ingest.port, folder.otherToken, line(3))).toMatchObject({ status: 202 });
  });

  it('spreads batches over the partitions', async () => {
    await start({ partitions: 3 });
    for (let at = 0; at < 30; at++) await send(ingest.port, folder.token, line(at));
    const lengths = await until(async () => {
      const found = await Promise.all(
        [0, 1, 2].map((partition) => redis.client.xlen(`aurora:ingest:events:${partition}`)),
      );
      return found.reduce((sum, length) => sum + length) === 30 ? found : undefined;
    }, 'all batches are on some stream');
    expect(lengths.every((length) => length > 0)).toBe(true);
  });

  it('gives a new try with the same idempotency key the same batches and stores nothing twice', async () => {
    await start();
    const key = { 'idempotency-key': 'try-1' };
    const [first, second] = await Promise.all([
      send(ingest.port, folder.token, lines(0, 600), key),
      send(ingest.port, folder.token, gzipSync(lines(0, 600)), { ...key, 'content-encoding': 'gzip' }),
    ]);
    const third = await send(ingest.port, folder.token, lines(0, 600), key);
    expect(third).toMatchObject({ status: 202, accepted: 600, batches: first.batches });
    expect(second.batches).toEqual(first.batches);
    expect(third.headers.get('idempotency-replayed')).toBe('true');
    expect(await metric(ingest, 'ingest_events_accepted_total')).toBe(600);
    const other = await send(ingest.port, folder.otherToken, lines(0, 600), key);
    expect(other.batches).not.toEqual(first.batches);
    const reused = await send(ingest.port, folder.token, lines(1, 600), key);
    expect(reused).toMatchObject({ status: 422, error: { code: 'IDEMPOTENCY_KEY_REUSED', field: 'Idempotency-Key' } });
  });

  it('knows idempotency keys of the spool after a restart', async () => {
    storage.isAcknowledging = false;
    await start();
    const key = { 'idempotency-key': 'try-1' };
    const first = await send(ingest.port, folder.token, lines(0, 600), key);
    await ingest.stop();
    await start();
    const second = await send(ingest.port, folder.token, lines(0, 600), key);
    expect(second.batches).toEqual(first.batches);
    expect(await metric(ingest, 'ingest_unacknowledged_events')).toBe(600);
  });
});

describe('a request of which a part was acknowledged before a restart', () => {
  it('is sent once more under the same ids and as the same bytes when it is tried again', async () => {
    storage.isAcknowledging = false;
    const overrides = { spoolMaxBytes: 8 * MIB };
    await start(overrides);
    const key = { 'idempotency-key': 'try-1' };
    const body = Array.from({ length: 24 }, (_, n) => JSON.stringify({ n, text: 'x'.repeat(200_000) })).join('\n');
    const first = await send(ingest.port, folder.token, body, key);
    expect(first.status).toBe(202);
    await until(() => storage.entries.size === first.batches.length, 'all of it is stored');
    await ingest.stop();
    // As the acknowledgement of what is in it has it done.
    const [oldest = '', ...others] = readdirSync(folder.spoolFolder)
      .filter((name) => name.endsWith('.segment'))
      .sort();
    expect(others.length).toBeGreaterThan(0);
    rmSync(join(folder.spoolFolder, oldest));
    await start(overrides);
    const known = await metric(ingest, 'ingest_unacknowledged_batches');
    expect(known).toBeLessThan(first.batches.length);
    const second = await send(ingest.port, folder.token, body, key);
    expect(second).toMatchObject({ status: 202, batches: first.batches });
    storage.isAcknowledging = true;
    await until(async () => (await metric(ingest, 'ingest_unacknowledged_batches')) === 0, 'all is acknowledged');
    expect([...storage.entries.keys()].sort()).toEqual([...first.batches].sort());
    expect(storage.changed.size).toBe(0);
  });
});

describe('a start that fails', () => {
  it('behind the opening of the spool leaves it free', async () => {
    const name = join(folder.spoolFolder, 'instance');
    mkdirSync(name, { recursive: true });
    await expect(start()).rejects.toThrow('EISDIR');
    rmdirSync(name);
    await start();
    expect((await send(ingest.port, folder.token, line(1))).status).toBe(202);
  });
});

describe('refusing', () => {
  it.each([
    ['no token', undefined, line(1), {}, 401, 'UNAUTHENTICATED', 'Authorization'],
    [
      'a wrong token',
      'aurora_000000000000_0000000000000000000000000000000000000000000',
      line(1),
      {},
      401,
      'UNAUTHENTICATED',
      undefined,
    ],
    [
      'an unknown content type',
      'writer',
      line(1),
      { 'content-type': 'image/png' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'Content-Type',
    ],
    [
      'an unknown encoding',
      'writer',
      line(1),
      { 'content-encoding': 'br' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'Content-Encoding',
    ],
    ['a scope that is missing', 'viewer', line(1), {}, 403, 'FORBIDDEN', 'Authorization'],
    ['an empty body', 'writer', '', {}, 400, 'BAD_USER_INPUT', 'body'],
    ['a blank body', 'writer', ' \r\n\n\t\n', {}, 400, 'BAD_USER_INPUT', 'body'],
    ['broken gzip', 'writer', 'not gzip', { 'content-encoding': 'gzip' }, 400, 'BAD_USER_INPUT', 'body'],
    [
      'cut gzip',
      'writer',
      gzipSync(lines(0, 99)).subarray(0, 80),
      { 'content-encoding': 'gzip' },
      400,
      'BAD_USER_INPUT',
      'body',
    ],
    [
      'a bad idempotency key',
      'writer',
      line(1),
      { 'idempotency-key': 'a b' },
      400,
      'BAD_USER_INPUT',
      'Idempotency-Key',
    ],
  ] as const)('answers %s with a typed error', async (_, who, body, headers, status, code, field) => {
    await start();
    const token = who === 'writer' ? folder.token : who === 'viewer' ? folder.viewerToken : who;
    const answer = await send(ingest.port, token, body, headers as Record<string, string>);
    expect(answer).toMatchObject({ status, error: { code, ...(field === undefined ? {} : { field }) } });
    expect(answer.error.message.length).toBeGreaterThan(10);
    expect(await metric(ingest, 'ingest_requests_total', { outcome: code })).toBe(1);
    expect(await metric(ingest, 'ingest_unacknowledged_batches')).toBe(0);
  });

  it('names the line that is too long and stores nothing of the request', async () => {
    await start();
    const body = `${line(1)}\n\n${'x'.repeat(1024 * 1024 + 1)}\n${line(2)}`;
    const answer = await send(ingest.port, folder.token, body);
    expect(answer).toMatchObject({ status: 413, error: { code: 'PAYLOAD_TOO_LARGE', field: 'lines[3]' } });
    expect(await metric(ingest, 'ingest_unacknowledged_events')).toBe(0);
    expect(await metric(ingest, 'ingest_events_refused_total', { reason: 'PAYLOAD_TOO_LARGE' })).toBe(1);
  });

  it.each([
    ['zeros', Buffer.alloc(200 * 1024 * 1024), 'lines[1]'],
    ['line ends', Buffer.alloc(200 * 1024 * 1024, '\n'), 'body'],
  ])('ends a gzip bomb of %s without unpacking it in memory', async (_, content, field) => {
    const bomb = gzipSync(content);
    await start();
    const before = process.memoryUsage();
    const answer = await send(ingest.port, folder.token, bomb, { 'content-encoding': 'gzip' });
    const after = process.memoryUsage();
    expect(answer).toMatchObject({ status: 413, error: { code: 'PAYLOAD_TOO_LARGE', field } });
    // Of 200 MiB; what the collector has not got round to is not held.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(100 * MIB);
  });

  it('takes an event among a million blank lines, and ends a body of more before it has counted them', async () => {
    await start();
    const among = (blanks: number) =>
      send(ingest.port, folder.token, gzipSync(`${'\n'.repeat(blanks)}${line(1)}`), { 'content-encoding': 'gzip' });
    expect(await among(1_000_000)).toMatchObject({ status: 202, accepted: 1 });
    // As many as fit into a body that is not too large.
    expect(await among(60 * MIB)).toMatchObject({
      status: 413,
      error: {
        code: 'PAYLOAD_TOO_LARGE',
        field: 'body',
        message: expect.stringContaining('more than 1000000 blank lines'),
      },
    });
    expect(await metric(ingest, 'ingest_events_accepted_total')).toBe(1);
  });

  it('ends a body of more than a million lines, however short they are', async () => {
    await start();
    const lines = gzipSync('a\n'.repeat(30 * MIB));
    expect(await send(ingest.port, folder.token, lines, { 'content-encoding': 'gzip' })).toMatchObject({
      status: 413,
      error: {
        code: 'PAYLOAD_TOO_LARGE',
        field: 'body',
        message: expect.stringMatching(/more than 1000000 lines; .*Send smaller bodies/),
      },
    });
    expect(await metric(ingest, 'ingest_events_accepted_total')).toBe(0);
  });

  it('refuses a body above the limit of the wire and lets the sender read why', async () => {
    await start();
    const answer = await send(ingest.port, folder.token, Buffer.alloc(50 * 1024 * 1024, 'x\n'));
    expect(answer).toMatchObject({ status: 413, error: { code: 'PAYLOAD_TOO_LARGE', field: 'body' } });
    expect((await send(ingest.port, folder.token, line(1))).status).toBe(202);
  });

  it('lets a client that sends everything before it reads see the answer', async () => {
    await start();
    const { socket, error } = openRefused(12 * MIB);
    await new Promise<void>((resolve, reject) => {
      socket.write(Buffer.alloc(12 * MIB, 'x'), (failure) => (failure ? reject(failure) : resolve()));
    });
    const answer = await new Promise((resolve) => socket.once('data', resolve));
    expect(String(answer)).toContain('413');
    socket.destroy();
    expect(await error).toBeUndefined();
  });

  it('ends the connection of a refused client that never stops sending', async () => {
    await start();
    const { socket, error } = openRefused(1024 * MIB);
    const chunk = Buffer.alloc(MIB, 'x');
    let sent = 0;
    while (!socket.destroyed && sent < 256) {
      await new Promise((resolve) => socket.write(chunk, resolve));
      sent++;
    }
    expect(await error).toBeDefined();
    expect(sent).toBeLessThan(64);
  });

  it('refuses when all requests together would need too much memory', async () => {
    await start({ requestMemoryBytes: 64 * 1024 });
    const answer = await send(ingest.port, folder.token, lines(0, 10_000));
    expect(answer).toMatchObject({ status: 503, error: { code: 'SERVICE_UNAVAILABLE' } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect((await send(ingest.port, folder.token, line(1))).status).toBe(202);
  });

  it('tells a client that asks first whether its body is wanted', async () => {
    await start();
    const ask = (token: string): Promise<{ wasContinued: boolean; status: number | undefined }> =>
      new Promise((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${token}`,
          'content-type': 'text/plain',
          'content-length': 1,
          expect: '100-continue',
        };
        let wasContinued = false;
        const outgoing = request(
          { port: ingest.port, host: '127.0.0.1', path: '/v1/events', method: 'POST', headers },
          (response) => {
            response.resume();
            outgoing.destroy();
            resolve({ wasContinued, status: response.statusCode });
          },
        );
        outgoing.on('error', reject);
        outgoing.on('continue', () => {
          wasContinued = true;
          outgoing.end('x');
        });
        outgoing.flushHeaders();
      });
    expect(await ask(folder.token)).toEqual({ wasContinued: true, status: 202 });
    expect(await ask(folder.viewerToken)).toEqual({ wasContinued: false, status: 403 });
  });

  it('stores nothing of a request whose client goes away in the middle', async () => {
    await start();
    const headers = { authorization: `Bearer ${folder.token}`, 'content-type': 'text/plain', 'content-length': 100 };
    const outgoing = request({ port: ingest.port, host: '127.0.0.1', path: '/v1/events', method: 'POST', headers });
    outgoing.on('error', () => undefined);
    await new Promise((resolve) => outgoing.write('first line\nsecond', resolve));
    outgoing.destroy();
    await until(
      async () => (await metric(ingest, 'ingest_requests_total', { outcome: 'FAILED' })) === 1,
      'the request ended',
    );
    expect(await metric(ingest, 'ingest_unacknowledged_batches')).toBe(0);
    expect((await send(ingest.port, folder.token, line(1))).status).toBe(202);
  });

  it('answers other paths and methods with typed errors', async () => {
    await start();
    const base = `http://127.0.0.1:${ingest.port}`;
    const method = await fetch(`${base}/v1/events`);
    expect([method.status, method.headers.get('allow'), await method.json()]).toMatchObject([
      405,
      'POST',
      { error: { code: 'METHOD_NOT_ALLOWED' } },
    ]);
    const path = await fetch(`${base}/v2/events`, { method: 'POST', body: 'x' });
    expect([path.status, await path.json()]).toMatchObject([404, { error: { code: 'NOT_FOUND' } }]);
    const [healthz, readyz, metrics] = await Promise.all(
      ['healthz', 'readyz', 'metrics'].map((name) => fetch(`${base}/${name}`)),
    );
    expect([healthz?.status, readyz?.status, metrics?.status]).toEqual([200, 200, 200]);
    expect(await metrics?.text()).toContain('ingest_spool_bytes');
  });
});

describe('hostile events', () => {
  it('accepts what does not parse as raw events and counts why', async () => {
    await start();
    const deep = '['.repeat(100_000);
    const binary = Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x7b, 0x22, 0x00]);
    const body = Buffer.concat([
      Buffer.from(`${deep}\n`),
      binary,
      Buffer.from('\n{"a":1,"a":2}\n"text"\n'),
      Buffer.from(line(1)),
    ]);
    expect(await send(ingest.port, folder.token, body)).toMatchObject({ status: 202, accepted: 5 });
    await until(() => storage.events().length === 5, 'the events are stored');
    expect(originals()[0]).toBe(deep);
    expect(await metric(ingest, 'ingest_events_raw_total')).toBe(4);
    expect(await metric(ingest, 'ingest_events_raw_total', { reason: 'INVALID_UTF8' })).toBe(1);
  });

  it('cannot be made to hold one byte per object by a client that sends byte by byte', async () => {
    await start();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${folder.token}`, 'content-type': 'text/plain' };
      const outgoing = request(
        { port: ingest.port, host: '127.0.0.1', path: '/v1/events', method: 'POST', headers },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      outgoing.on('error', reject);
      for (const character of 'a slow line of text') outgoing.write(character);
      outgoing.end();
    });
    expect(status).toBe(202);
    await until(() => storage.events().length === 1, 'the event is stored');
    expect(originals()).toEqual(['a slow line of text']);
  });

  it('closes a connection whose request does not arrive in time', async () => {
    await start({ requestTimeoutMs: 200 });
    const socket = connect(ingest.port, '127.0.0.1');
    socket.write(
      `POST /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${folder.token}\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nab`,
    );
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    await new Promise((resolve) => socket.on('close', resolve));
    expect(answer).toContain('408');
    expect(await metric(ingest, 'ingest_unacknowledged_batches')).toBe(0);
    expect((await send(ingest.port, folder.token, line(1))).status).toBe(202);
  });
});
