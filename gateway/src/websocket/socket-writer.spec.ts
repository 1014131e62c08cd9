import { EventEmitter } from 'node:events';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { createLog } from '@aurorasoc/kit/log';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { SocketWriter } from './socket-writer.js';

/** Takes what is sent only when told to. */
class StuckSocket extends EventEmitter {
  readonly protocol = 'graphql-transport-ws';
  readonly readyState = WebSocket.OPEN;
  isPaused = false;
  readonly #waiting: { bytes: number; done: () => void }[] = [];

  get bufferedAmount(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  get unsent(): number {
    return this.#waiting.length;
  }
  send(data: string, done: () => void): void {
    this.#waiting.push({ bytes: Buffer.byteLength(data), done });
  }
  /** The client reads until so many messages are left. */
  drain(left = 0): void {
    while (this.#waiting.length > left) this.#waiting.shift()?.done();
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
}

function open() {
  const socket = new StuckSocket();
  const times = { pingMs: 60_000, stallMs: 60_000 };
  const writer = new SocketWriter(
    socket as unknown as WebSocket,
    times,
    createLog('gateway', 'silent'),
    () => undefined,
  );
  onTestFinished(() => void socket.emit('close'));
  return { socket, writer };
}

describe('a client that sends and does not read', () => {
  it.each([
    ['many short answers', 'x', 1_000],
    ['a few long ones', 'x'.repeat(400_000), 2],
  ])('is not read from once it has %s to take, until it has taken some', async (_name, answer, allowed) => {
    const { socket, writer } = open();
    writer.onMessage(() => writer.send(answer));
    const ask = (): Promise<void> => {
      socket.emit('message', '{"type":"ping"}');
      return Promise.resolve();
    };
    for (let asked = 0; asked <= allowed; asked++) await ask();
    expect(socket.isPaused).toBe(false);
    await ask();
    expect(socket.isPaused).toBe(true);
    socket.drain(allowed + 1);
    expect(socket.isPaused).toBe(true);
    socket.drain(allowed);
    expect(socket.isPaused).toBe(false);
  });

  it('is read from again when everything is taken, however large that was', async () => {
    const { socket, writer } = open();
    writer.onMessage(() => Promise.resolve());
    void writer.send('x'.repeat(4_000_000));
    socket.emit('message', '{"type":"ping"}');
    expect(socket.isPaused).toBe(true);
    socket.drain();
    expect(socket.isPaused).toBe(false);
  });
});

describe('a client that takes much at once', () => {
  it('is sent some of it in each turn of the event loop, so that others have theirs', async () => {
    const { socket, writer } = open();
    const item = 'x'.repeat(10_000);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 100; sent++) {
        const sending = writer.send(item);
        socket.drain();
        await sending;
      }
    })();
    const sentByTurn: number[] = [];
    while (sent < 100) {
      const before = sent;
      await endOfTurn();
      sentByTurn.push(sent - before);
    }
    await sending;
    // What the client is sent in one turn of its own can come before and after the end of one of these.
    expect(Math.max(...sentByTurn)).toBeLessThanOrEqual(4);
  });
});
