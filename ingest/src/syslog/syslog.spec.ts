import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Health } from '@aurorasoc/kit/health';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ingest, IngestOptions } from '../create-ingest.js';
import { createIngestMetrics, type IngestMetrics } from '../metrics.js';
import { type IngestProcess, startProcess } from '../testing/process.js';
import { type RedisServer, startRedis } from '../testing/redis.js';
import { makeFolder, metric, silentLog, startIngest, type TestFolder, until } from '../testing/site.js';
import { StandInStorage } from '../testing/storage.js';
import type { LineCommitter } from './line-committer.js';
import { MAX_MESSAGE_BYTES, SyslogListener, type SyslogListenerOptions } from './listener.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let redis: RedisServer;
let folder: TestFolder;
let storage: StandInStorage;
let ingest: Ingest | undefined;
const sockets: Socket[] = [];

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
  for (const socket of sockets.splice(0)) socket.destroy();
  await ingest?.stop();
  ingest = undefined;
  await storage.stop();
  folder.remove();
});

const start = async (overrides: Partial<IngestOptions> = {}): Promise<Ingest> => {
  ingest = await startIngest(folder, redis.url, { syslog: { port: 0, tenant: folder.tenant }, ...overrides });
  return ingest;
};
const open = async ({ syslogPort }: { readonly syslogPort: number | undefined }): Promise<Socket> => {
  const socket = connect(syslogPort ?? 0, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
};
const sendDatagram = async (port: number | undefined, text: string): Promise<void> => {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.send(text, port ?? 0, '127.0.0.1', resolve));
  socket.close();
};
const originals = (): string[] =>
  storage.events().map((event) => String((event.event as { original?: unknown }).original));
const stored = async (count: number): Promise<string[]> => {
  await until(() => storage.events().length >= count, `${count} events are stored`);
  return originals();
};
const counted = (text: string): string => `${Buffer.byteLength(text)} ${text}`;

const RFC_5424 =
  '<165>1 2026-10-11T22:14:15.003Z host.example.org evntslog - ID47 [exampleSDID@32473 iut="3"] An application event';
const RFC_3164 = "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8";

describe('syslog over TCP', () => {
  it('stores lines of both formats raw, for the tenant that was set, byte for byte', async () => {
    const running = await start();
    (await open(running)).end(`${RFC_5424}\n${RFC_3164}\r\n`);
    expect(await stored(2)).toEqual([RFC_5424, RFC_3164]);
    expect([...storage.entries.values()].every(({ tenant }) => tenant === folder.tenant)).toBe(true);
    await until(async () => (await metric(running, 'ingest_events_acknowledged_total')) === 2, 'both are acknowledged');
    expect(await metric(running, 'ingest_events_accepted_total')).toBe(2);
    expect(await metric(running, 'ingest_syslog_lines_total', { transport: 'tcp', framing: 'lines' })).toBe(2);
    expect(running.health.report().components.syslog).toMatchObject({ state: 'up' });
  });

  it('tells the framing of each connection by itself', async () => {
    const running = await start();
    const [lines, frames] = await Promise.all([open(running), open(running)]);
    lines.write(`${RFC_3164}\n`);
    frames.write(counted(`${RFC_5424}\nwith a second line`).slice(0, 40));
    await stored(1);
    frames.end(counted(`${RFC_5424}\nwith a second line`).slice(40) + counted(RFC_5424));
    expect(await stored(3)).toEqual([RFC_3164, `${RFC_5424}\nwith a second line`, RFC_5424]);
  });

  it('stores many lines in few batches, in their order', async () => {
    const running = await start();
    const lines = Array.from({ length: 20_000 }, (_, number) => `<34>1 - host app - - - event ${number}`);
    (await open(running)).end(`${lines.join('\n')}\n`);
    const got = await stored(lines.length);
    expect(got.sort()).toEqual([...lines].sort());
    expect(storage.entries.size).toBeLessThan(200);
    expect(await metric(running, 'ingest_spool_syncs_total')).toBeLessThan(200);
  });

  it.each([
    ['a broken length', '5 <1>ab?', 'bad_length', ['<1>ab']],
    ['a length above the limit', `5 <1>ab${MAX_MESSAGE_BYTES + 1} `, 'too_long', ['<1>ab']],
    ['an endless line', `<1>ab\n${'x'.repeat(MAX_MESSAGE_BYTES + 1)}`, 'too_long', ['<1>ab']],
  ])('closes a connection with %s, keeps what came before and goes on for others', async (_, text, reason, kept) => {
    const running = await start();
    const socket = await open(running);
    const ended = once(socket, 'close');
    socket.resume().write(text);
    await ended;
    expect(await metric(running, 'ingest_syslog_connections_refused_total', { reason })).toBe(1);
    (await open(running)).end('<2>other\n');
    expect((await stored(kept.length + 1)).sort()).toEqual([...kept, '<2>other'].sort());
    await until(async () => (await metric(running, 'ingest_syslog_connections')) === 0, 'no connection is open');
  });

  it('counts a message that its sender cut off', async () => {
    const running = await start();
    (await open(running)).end('5 <1>ab90 <2>c');
    expect(await stored(1)).toEqual(['<1>ab']);
    await until(
      async () => (await metric(running, 'ingest_syslog_lost_total', { reason: 'cut_off' })) === 1,
      'counted',
    );
  });

  it('makes senders wait while the spool refuses, and loses nothing of what they send', async () => {
    storage.isAcknowledging = false;
    const running = await start({ spoolMaxBatches: 20 });
    const socket = await open(running);
    const line = `<34>1 - host app - - - ${'x'.repeat(1_000)}`;
    const total = 20_000;
    let written = 0;
    const write = (): void => {
      while (written < total) if (!socket.write(`${line} ${written++}\n`)) return void socket.once('drain', write);
      socket.end();
    };
    write();
    await until(() => running.health.report().components.syslog?.state === 'degraded', 'the spool refuses');
    await new Promise((resolve) => setTimeout(resolve, 500));
    // 20 MB were to be sent; what the kernel and a full committer hold is far less.
    expect(written).toBeLessThan(total);
    await sendDatagram(running.syslogPort, '<1>dropped');
    await until(
      async () => (await metric(running, 'ingest_syslog_lost_total', { transport: 'udp' })) === 1,
      'the datagram is counted as dropped',
    );
    storage.isAcknowledging = true;
    await until(
      async () => (await metric(running, 'ingest_events_acknowledged_total')) === total,
      'everything is acknowledged',
    );
    const got = originals();
    expect(new Set(got).size).toBe(total);
    expect(got).not.toContain('<1>dropped');
    await until(() => running.health.report().components.syslog?.state === 'up', 'health is back');
  });

  it('stores what was sent before a stop', async () => {
    const running = await start();
    const socket = await open(running);
    socket.write('<1>before the stop\n');
    await until(async () => (await metric(running, 'ingest_syslog_lines_total')) === 1, 'the line was read');
    await running.stop();
    ingest = undefined;
    expect(await stored(1)).toEqual(['<1>before the stop']);
  });
});

describe('senders that wait together', () => {
  const LINE = `<1>${'x'.repeat(1_000)}\n`;
  const SENDERS = 50;

  /** Has room for some lines. */
  class StandInCommitter {
    taken = 0;
    #room = 0;
    #isStopped = false;
    readonly #waiting = new Set<() => void>();
    get isFull(): boolean {
      return this.taken >= this.#room;
    }
    add(): void {
      this.taken++;
    }
    async whenRoom(): Promise<boolean> {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      return !this.#isStopped;
    }
    makeRoom(lines: number): void {
      this.#room = this.taken + lines;
      this.#wake();
    }
    async stop(): Promise<void> {
      this.#isStopped = true;
      this.#wake();
    }
    get unstoredLines(): number {
      return this.taken;
    }
    #wake(): void {
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
    }
  }

  const committer = (): StandInCommitter & LineCommitter => new StandInCommitter() as StandInCommitter & LineCommitter;
  const metrics = (): IngestMetrics => createIngestMetrics(new Health('ingest').metrics);
  const lostIn = async ({ syslogLost }: IngestMetrics, reason: string): Promise<number | undefined> =>
    (await syslogLost.get()).values.find(({ labels }) => labels.reason === reason)?.value;
  /** Nothing tells from outside that each has been read and waits. */
  const areRead = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));

  async function listen(parts: Pick<SyslogListenerOptions, 'committer' | 'metrics'>): Promise<SyslogListener> {
    return SyslogListener.start({ host: '127.0.0.1', port: 0, log: silentLog, ...parts });
  }

  const openMany = ({ port }: SyslogListener): Promise<Socket[]> =>
    Promise.all(Array.from({ length: SENDERS }, () => open({ syslogPort: port })));

  it('take the room that there is one after the other, and what one still has at the end is counted as lost', async () => {
    const parts = { committer: committer(), metrics: metrics() };
    const listener = await listen(parts);
    for (const sender of await openMany(listener)) sender.write(LINE);
    await areRead();
    expect(parts.committer.taken).toBe(0);
    parts.committer.makeRoom(5);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(parts.committer.taken).toBe(5);
    await listener.stop();
    expect(parts.committer.taken).toBe(SENDERS);
    expect(await lostIn(parts.metrics, 'stopped')).toBe(SENDERS);
    expect(await lostIn(parts.metrics, 'cut_off')).toBeUndefined();
  });

  it.each([
    ['lines', LINE, LINE, SENDERS],
    ['counted, in mid-message', '20 <1>ab', 'cd', 0],
  ])('are each counted once where something is left unread at the end: %s', async (_, inHand, unread, lines) => {
    const parts = { committer: committer(), metrics: metrics() };
    const listener = await listen(parts);
    const senders = await openMany(listener);
    for (const sender of senders) sender.write(inHand);
    await areRead();
    for (const sender of senders) sender.write(unread);
    await areRead();
    await listener.stop();
    expect(parts.committer.taken).toBe(lines);
    expect(await lostIn(parts.metrics, 'cut_off')).toBe(SENDERS);
  });
});

describe('syslog over UDP', () => {
  it('takes each datagram as one message, on the same port', async () => {
    const running = await start();
    await sendDatagram(running.syslogPort, `${RFC_3164}\n`);
    await sendDatagram(running.syslogPort, 'two\nlines');
    await sendDatagram(running.syslogPort, '\n');
    expect((await stored(2)).sort()).toEqual([RFC_3164, 'two\nlines'].sort());
    expect(await metric(running, 'ingest_syslog_lines_total', { transport: 'udp' })).toBe(2);
  });
});

describe('the syslog listener', () => {
  it('is not there without a tenant', async () => {
    const running = await start({ syslog: undefined });
    expect(running.syslogPort).toBeUndefined();
    expect(running.health.report().components).not.toHaveProperty('syslog');
  });

  it('says which port is taken, by TCP or by UDP, and leaves nothing running', async () => {
    const tcp = createServer().listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    for (const port of [(tcp.address() as { port: number }).port, udp.address().port])
      await expect(start({ syslog: { port, tenant: folder.tenant } })).rejects.toMatchObject({
        code: 'PORT_TAKEN',
        publicMessage: expect.stringContaining(String(port)),
      });
    tcp.close();
    udp.close();
  });

  it('has on disk after kill -9 what it had counted as accepted, and sends it after a restart', async () => {
    storage.isAcknowledging = false;
    const environment = { INGEST_SYSLOG_PORT: '0', INGEST_SYSLOG_TENANT: folder.tenant };
    let process: IngestProcess = await startProcess(folder, redis.url, { environment });
    const socket = await open(process);
    for (let number = 0; number < 500; number++) socket.write(`<34>event ${number}\n`);
    await until(async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${process.port}/metrics`)).text();
      return /^ingest_events_accepted_total\{[^}]*\} 500$/m.test(metrics);
    }, 'all are accepted');
    await process.end('SIGKILL');
    await redis.client.flushall();
    storage.isAcknowledging = true;
    process = await startProcess(folder, redis.url, { environment });
    try {
      expect(new Set(await stored(500)).size).toBe(500);
    } finally {
      await process.end('SIGTERM');
    }
  });
});
