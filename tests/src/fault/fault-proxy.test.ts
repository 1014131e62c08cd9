/** The proxy by which other tests cut and slow connections: what it holds back it delivers, or they would prove less than they say. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';

const QUESTION = 'q'.repeat(300);
const ANSWER = 'a'.repeat(300);

/** A proxy of a service that does `answer` once a connection's sender has ended. */
async function proxyOf(answer: (socket: Socket, asked: string) => void): Promise<FaultProxy> {
  const service = createServer({ allowHalfOpen: true }, (socket) => {
    void textOf(socket).then((asked) => answer(socket, asked));
  });
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  const proxy = await startFaultProxy(`tcp://127.0.0.1:${(service.address() as AddressInfo).port}`);
  onTestFinished(async () => {
    await proxy.stop();
    service.close();
  });
  return proxy;
}

/** All that arrives until the other side ends or breaks the connection. */
function textOf(socket: Socket): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}

function openTo({ port }: FaultProxy): Socket {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void client.destroy());
  return client;
}

const FAULTS: readonly (readonly [string, (proxy: FaultProxy) => void])[] = [
  ['no fault', () => undefined],
  ['a delay', (proxy) => proxy.delay(100)],
  ['a throttle', (proxy) => proxy.throttle(1_000)],
  [
    'a freeze that ends',
    (proxy) => {
      proxy.freeze();
      void wait(200).then(() => proxy.heal());
    },
  ],
];

describe.each(FAULTS)('by way of %s', (_, begin) => {
  it('an answer reaches a client that has ended its own side', async () => {
    const proxy = await proxyOf((socket, asked) => socket.end(asked === QUESTION ? ANSWER : `asked ${asked}`));
    begin(proxy);
    const client = openTo(proxy);
    const answer = textOf(client);
    client.end(QUESTION);
    expect(await answer).toBe(ANSWER);
  });

  it('a question reaches a service whose client is gone', async () => {
    const arrived = Promise.withResolvers<string>();
    const proxy = await proxyOf((_socket, asked) => arrived.resolve(asked));
    begin(proxy);
    const client = openTo(proxy);
    client.end(QUESTION, () => client.destroy());
    expect(await arrived.promise).toBe(QUESTION);
  });

  it('what a service said before it broke the connection reaches the client', async () => {
    const proxy = await proxyOf((socket) =>
      socket.write(ANSWER, () => void wait(50).then(() => socket.resetAndDestroy())),
    );
    begin(proxy);
    const client = openTo(proxy);
    const answer = textOf(client);
    client.end(QUESTION);
    expect(await answer).toBe(ANSWER);
  });
});

describe('what holds things back', () => {
  it('keeps the end of a connection back while it is frozen', async () => {
    const proxy = await proxyOf((socket) => socket.end(ANSWER));
    const client = openTo(proxy);
    const answer = textOf(client);
    await once(client, 'connect');
    proxy.freeze();
    client.end(QUESTION);
    expect(await Promise.race([answer, wait(200, 'nothing')])).toBe('nothing');
    await proxy.heal();
    expect(await answer).toBe(ANSWER);
  });

  it('ends with a cut, which loses what was held', async () => {
    const proxy = await proxyOf((socket) => socket.end(ANSWER));
    proxy.delay(200);
    const client = openTo(proxy);
    const answer = textOf(client);
    client.end(QUESTION);
    await wait(100);
    proxy.cut();
    expect(await answer).toBe('');
    await expect.poll(() => proxy.connections).toBe(0);
  });
});
