/**
 * A TCP proxy that makes a service fail as networks and machines do: gone, cut off in mid-answer, silent, late, or slow.
 * Faults hold for connections that are open and for those to come, until {@link FaultProxy.heal}. Except by a cut, nothing is
 * lost on the way: what is held back when one side closes reaches the other before the close does.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface FaultProxy {
  readonly port: number;
  /** The service's URL, by way of the proxy. */
  readonly url: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Ends every connection; new ones are accepted. */
  cut(): void;
  /** Ends every connection and refuses new ones, as a machine does on which nothing listens. */
  refuse(): Promise<void>;
  /** Keeps every connection open and lets nothing through, as a machine does that has lost its power. */
  freeze(): void;
  /** Holds back each chunk this long, milliseconds. */
  delay(ms: number): void;
  /** Lets this many bytes a second through to the client, per connection. */
  throttle(bytesPerSecond: number): void;
  /** Ends all faults; what a freeze held back goes on, ends of connections included. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

interface Fault {
  isFrozen: boolean;
  delayMs: number;
  bytesPerSecond: number;
}

const NO_FAULT: Readonly<Fault> = { isFrozen: false, delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
const LOOPBACK = '127.0.0.1';

/** @param serviceUrl - URL with host and port of the service; the rest of it is kept in the proxy's own. */
export async function startFaultProxy(serviceUrl: string): Promise<FaultProxy> {
  const target = new URL(serviceUrl);
  const pairs = new Set<readonly [Socket, Socket]>();
  const fault: Fault = { ...NO_FAULT };
  const accept = (client: Socket): void => {
    const service = connect({ port: Number(target.port), host: target.hostname, allowHalfOpen: true });
    const pair = [client, service] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined); // its close follows
      socket.on('close', () => {
        if (client.destroyed && service.destroyed) pairs.delete(pair);
      });
    }
    const asked = forward(client, service, () => ({ ...fault, bytesPerSecond: NO_FAULT.bytesPerSecond }));
    const answered = forward(service, client, () => fault);
    // The other side learns of it behind what is held back for it, as it would on a slow wire.
    client.on('close', () => void asked.then(() => service.destroySoon()));
    service.on('close', () => void answered.then(() => client.destroySoon()));
  };
  let server: Server | undefined = await listen(accept, 0);
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const [client, service] of pairs) {
      client.resetAndDestroy();
      service.destroy();
    }
  };
  const close = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    const closed = once(closing, 'close');
    closing.close();
    cut();
    await closed;
  };
  const url = new URL(serviceUrl);
  url.hostname = LOOPBACK;
  url.port = String(port);
  return {
    port,
    url: url.href,
    get connections() {
      return pairs.size;
    },
    cut,
    refuse: close,
    freeze: () => {
      fault.isFrozen = true;
    },
    delay: (ms) => {
      fault.delayMs = ms;
    },
    throttle: (bytesPerSecond) => {
      fault.bytesPerSecond = bytesPerSecond;
    },
    heal: async () => {
      Object.assign(fault, NO_FAULT);
      server ??= await listen(accept, port);
    },
    stop: close,
  };
}

async function listen(accept: (client: Socket) => void, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, accept);
  server.listen(port, LOOPBACK);
  await once(server, 'listening');
  return server;
}

const FROZEN_CHECK_MS = 10;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Copies one direction to its end, chunk by chunk, as the faults of that moment have it. Never rejects. */
async function forward(from: Socket, to: Socket, faultNow: () => Readonly<Fault>): Promise<void> {
  try {
    // Left to itself, the iterator would destroy the socket with its end, and so the other direction.
    for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (faultNow().delayMs > 0) await wait(faultNow().delayMs);
      await deliver(chunk, to, faultNow);
      if (to.destroyed) return;
    }
  } catch {
    // One of them was cut: what came before it has been delivered as far as it can be.
  }
  await thaw(to, faultNow);
  to.end();
}

async function deliver(chunk: Buffer, to: Socket, faultNow: () => Readonly<Fault>): Promise<void> {
  for (let at = 0; at < chunk.byteLength; ) {
    await thaw(to, faultNow);
    if (to.destroyed) return;
    const { bytesPerSecond } = faultNow();
    const end = Math.min(chunk.byteLength, at + Math.max(1, Math.ceil(bytesPerSecond / 10)));
    if (!to.write(chunk.subarray(at, end))) await Promise.race([once(to, 'drain'), once(to, 'close')]);
    at = end;
    if (Number.isFinite(bytesPerSecond)) await wait(Math.max(100, 1_000 / bytesPerSecond));
  }
}

async function thaw(to: Socket, faultNow: () => Readonly<Fault>): Promise<void> {
  while (faultNow().isFrozen && !to.destroyed) await wait(FROZEN_CHECK_MS);
}
