import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type IngestProcess, type ProcessOptions, startProcess } from './testing/process.js';
import { type RedisServer, startRedis } from './testing/redis.js';
import { type Answer, makeFolder, send, type TestFolder, until } from './testing/site.js';
import { StandInStorage } from './testing/storage.js';

// Servers and processes start and end in these specs; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let redis: RedisServer;
let folder: TestFolder;
let storage: StandInStorage;
let ingest: IngestProcess;

beforeEach(async () => {
  redis = await startRedis();
  folder = makeFolder();
  storage = new StandInStorage(redis.client);
});
afterEach(async () => {
  await ingest.end('SIGKILL');
  await storage.stop();
  await redis.stop();
  folder.remove();
});

const start = async (options: ProcessOptions = {}): Promise<void> => {
  ingest = await startProcess(folder, redis.url, options);
};
const unacknowledged = async (): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${ingest.port}/metrics`)).text();
  return Number(/^ingest_unacknowledged_batches\{[^}]*\} (\d+)/m.exec(text)?.[1]);
};
const storedNumbers = (): number[] =>
  storage.events().map((event) => JSON.parse(String((event.event as { original: string }).original)).n as number);

/** Sends numbered events on several connections until the process is gone. @returns the answers that arrived. */
async function sendUntilGone(from: number): Promise<{ answers: Answer[]; accepted: number[]; next: number }> {
  const answers: Answer[] = [];
  const accepted: number[] = [];
  let next = from;
  const lane = async (): Promise<void> => {
    for (;;) {
      const numbers = [next++, next++, next++];
      try {
        const answer = await send(ingest.port, folder.token, numbers.map((n) => `{"n":${n}}`).join('\n'));
        answers.push(answer);
        if (answer.status === 202) accepted.push(...numbers);
      } catch {
        // The connection broke: this request got no answer, and no promise either.
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return { answers, accepted, next };
}

describe('the process', () => {
  it('killed right after its answers loses nothing of them, and sends everything under the same ids', async () => {
    storage.isAcknowledging = false;
    storage.start();
    const accepted: number[] = [];
    const batches: string[] = [];
    let next = 0;
    for (let round = 0; round < 3; round++) {
      await start();
      const sending = sendUntilGone(next);
      await until(() => storage.entries.size > batches.length + 20, 'some batches are under way');
      await ingest.end('SIGKILL');
      const sent = await sending;
      next = sent.next;
      accepted.push(...sent.accepted);
      batches.push(...sent.answers.flatMap((answer) => answer.batches));
    }
    await start();
    storage.isAcknowledging = true;
    await until(async () => (await unacknowledged()) === 0, 'everything is acknowledged');
    expect(accepted.length).toBeGreaterThan(100);
    const stored = storedNumbers();
    const storedSet = new Set(stored);
    expect(accepted.filter((number) => !storedSet.has(number))).toEqual([]);
    expect(stored).toHaveLength(storedSet.size);
    expect(batches.filter((id) => !storage.entries.has(id))).toEqual([]);
    expect(storage.changed.size).toBe(0);
  });

  it('stores nothing twice when a killed process is asked again with the same idempotency key', async () => {
    await redis.kill();
    await start();
    const first = await send(ingest.port, folder.token, '{"n":1}\n{"n":2}', { 'idempotency-key': 'once' });
    await ingest.end('SIGKILL');
    await start();
    const second = await send(ingest.port, folder.token, '{"n":1}\n{"n":2}', { 'idempotency-key': 'once' });
    expect(second.batches).toEqual(first.batches);
    await redis.restart();
    storage.start();
    await until(async () => (await unacknowledged()) === 0, 'everything is acknowledged');
    expect(storedNumbers()).toEqual([1, 2]);
  });

  it('ended by SIGTERM under load finishes what it has begun, exits with 0, and loses nothing', async () => {
    storage.start();
    await start();
    const sending = sendUntilGone(0);
    await until(() => storage.entries.size > 20, 'some batches are stored');
    expect(await ingest.end('SIGTERM')).toBe(0);
    const { accepted, answers } = await sending;
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    await start();
    await until(async () => (await unacknowledged()) === 0, 'everything is acknowledged');
    const stored = new Set(storedNumbers());
    expect(accepted.filter((number) => !stored.has(number))).toEqual([]);
  });

  it('names what is too large, takes what is only deep as raw, and needs no more memory for either', async () => {
    await start();
    const resident = async (): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${ingest.port}/metrics`)).text();
      return Number(/^process_resident_memory_bytes\{[^}]*\} (\d+)/m.exec(text)?.[1]);
    };
    const keys = JSON.stringify(Object.fromEntries(Array.from({ length: 1_000_000 }, (_, n) => [`key${n}`, n])));
    const log = Buffer.alloc(50 * 1024 * 1024, 'x');
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    await send(ingest.port, folder.token, '{"n":1}');
    const before = await resident();
    for (const large of [log, keys])
      expect(await send(ingest.port, folder.token, large)).toMatchObject({
        status: 413,
        error: { code: 'PAYLOAD_TOO_LARGE', field: 'body' },
      });
    expect((await send(ingest.port, folder.token, deep)).status).toBe(202);
    expect(before).toBeGreaterThan(0);
    expect((await resident()) - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('refuses what does not fit on the disk, keeps what it has accepted, and goes on', async () => {
    await start({ maxFileKib: 64 });
    const line = (n: number): string => JSON.stringify({ n, text: 'x'.repeat(20_000) });
    const answers: Answer[] = [];
    for (let n = 0; n < 8; n++) answers.push(await send(ingest.port, folder.token, line(n)));
    const accepted = answers.flatMap(({ status }, n) => (status === 202 ? [n] : []));
    const refused = answers.filter(({ status }) => status !== 202);
    expect(accepted.length).toBeGreaterThan(2);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) expect(answer).toMatchObject({ status: 503, error: { code: 'STORAGE_FULL' } });
    storage.start();
    await until(async () => (await unacknowledged()) === 0, 'everything is acknowledged');
    expect(storedNumbers().sort()).toEqual(accepted);
  });
});
