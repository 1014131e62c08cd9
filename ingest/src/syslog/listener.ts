/**
 * Takes syslog in over TCP (RFC 6587, both framings) and UDP (RFC 5426) on the same port number.
 *
 * Neither tells its sender anything. Over TCP a sender is slowed down while the spool cannot take more; over UDP what comes
 * meanwhile is dropped and counted.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import { sleep } from '@aurorasoc/kit/lifecycle';
import type { Logger } from '@aurorasoc/kit/log';
import type { IngestMetrics } from '../metrics.js';
import { FrameReader, FramingError, trimEnd } from './frame-reader.js';
import type { LineCommitter } from './line-committer.js';

export interface SyslogListenerOptions {
  /** Address that TCP and UDP bind. */
  readonly host: string;
  /** 0: one that is free for both. */
  readonly port: number;
  readonly committer: LineCommitter;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
}

/** RFC 5424 asks for 2 KiB; Windows events in XML reach some ten KiB. Bounds, with the connections, the memory of halves. */
export const MAX_MESSAGE_BYTES = 128 * 1024;
const MAX_CONNECTIONS = 1_024;
/**
 * Of a connection, where nobody reads on. The read that reaches it brings up to 64 KiB, so that it may be nearly 128 KiB. Of a
 * sender that waits there is as much again in hand.
 */
const READ_AHEAD_BYTES = 64 * 1024;
/** A sender that vanished is noticed by TCP's own probes; a quiet one may be quiet for days. */
const KEEP_ALIVE_MS = 60_000;
/** The kernel's queue for datagrams while this process is busy; the system may grant less. */
const UDP_QUEUE_BYTES = 4 * 1024 * 1024;
const FREE_PORT_TRIES = 20;
const END_MS = 500;
const FLUSH_MS = 2_000;

export class SyslogListener {
  readonly #sockets = new Set<Socket>();
  /** Those of them that the end of this process cut off. */
  readonly #cutOff = new Set<Socket>();
  readonly #receiving = new Set<Promise<void>>();
  #isStopping = false;

  private constructor(
    private readonly options: SyslogListenerOptions,
    private readonly tcp: Server,
    private readonly udp: UdpSocket,
  ) {
    tcp.maxConnections = MAX_CONNECTIONS;
    tcp.on('connection', (socket) => {
      const receiving = this.#receive(socket).finally(() => this.#receiving.delete(receiving));
      this.#receiving.add(receiving);
    });
    tcp.on('drop', () => options.metrics.syslogConnectionsRefused.inc({ reason: 'too_many' }));
    udp.on('message', (message) => this.#takeDatagram(message));
  }

  /** @throws AuroraError `PORT_TAKEN` */
  static async start(options: SyslogListenerOptions): Promise<SyslogListener> {
    for (let tries = 1; ; tries++) {
      const tcp = createServer({
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
        highWaterMark: READ_AHEAD_BYTES,
      });
      const udp = createSocket({ type: options.host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: UDP_QUEUE_BYTES });
      // Before anything is bound: what comes in the meantime would else go unseen.
      const listener = new SyslogListener(options, tcp, udp);
      try {
        await bind(tcp, () => tcp.listen(options.port, options.host));
        await bind(udp, () => udp.bind(listener.port, options.host));
        for (const socket of [tcp, udp])
          socket.on('error', (error) => options.log.error({ error: describeError(error) }, 'A syslog listener failed'));
        return listener;
      } catch (error) {
        await Promise.all([closed(tcp), closed(udp)]);
        const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!isTaken) throw error;
        // The port that TCP found free was not free for UDP.
        if (options.port === 0 && tries < FREE_PORT_TRIES) continue;
        throw new AuroraError({
          code: 'PORT_TAKEN',
          publicMessage: `Port ${options.port} on ${options.host} is taken by another program (TCP or UDP); stop it or choose another port for syslog`,
          cause: error,
        });
      }
    }
  }

  /** Of both TCP and UDP. */
  get port(): number {
    return (this.tcp.address() as AddressInfo).port;
  }

  /** Ends the connections, takes what is still under way for a moment, and puts it all into the spool if that takes it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const ended = closed(this.tcp);
    for (const socket of this.#sockets) socket.end();
    await Promise.race([ended, sleep(END_MS)]);
    this.#cutOffAll();
    await Promise.all([ended, closed(this.udp)]);
    const { committer } = this.options;
    const until = performance.now() + FLUSH_MS;
    const isOver = new AbortController();
    // Those that wait for room have a chunk in hand, and perhaps a last line without its end.
    await Promise.race([Promise.all(this.#receiving), sleep(FLUSH_MS, isOver.signal)]);
    isOver.abort();
    await committer.stop(Math.max(0, until - performance.now()));
    // Woken by the end, they add what can only be counted any more.
    await Promise.all(this.#receiving);
    const lost = committer.unstoredLines;
    if (lost === 0) return;
    this.options.metrics.syslogLost.inc({ transport: 'any', reason: 'stopped' }, lost);
    this.options.log.error({ lines: lost }, 'Syslog lines could not be stored before the end');
  }

  /** Of senders that wait, what was read and is not in hand yet goes with the socket; how many messages that is, nobody knows. */
  #cutOffAll(): void {
    for (const socket of this.#sockets) {
      if (socket.readableLength > 0) this.#cutOff.add(socket);
      socket.destroy();
    }
    if (this.#cutOff.size === 0) return;
    this.options.metrics.syslogLost.inc({ transport: 'tcp', reason: 'cut_off' }, this.#cutOff.size);
    this.options.log.error({ connections: this.#cutOff.size }, 'Syslog connections were cut off with messages unread');
  }

  #takeDatagram(datagram: Buffer): void {
    const { committer, metrics } = this.options;
    const message = trimEnd(datagram);
    if (message.byteLength === 0) return;
    if (committer.isFull || this.#isStopping) {
      metrics.syslogLost.inc({ transport: 'udp', reason: this.#isStopping ? 'stopped' : 'spool_refuses' });
      return;
    }
    metrics.syslogLines.inc({ transport: 'udp', framing: 'datagram' });
    committer.add(message);
  }

  async #receive(socket: Socket): Promise<void> {
    const { committer, metrics, log } = this.options;
    const sender = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#sockets.add(socket);
    metrics.syslogConnections.inc();
    const reader = new FrameReader(MAX_MESSAGE_BYTES, (frame) => {
      metrics.syslogLines.inc({ transport: 'tcp', framing: reader.framing });
      committer.add(frame);
    });
    try {
      // A socket that is read by iteration is read no further than its buffer while the loop waits: TCP slows the sender.
      for await (const chunk of socket) {
        // Before it is read, and anew when woken: those that wait all have a chunk in hand, many times what may be lost together.
        while (committer.isFull && (await committer.whenRoom()));
        reader.push(chunk as Buffer);
      }
      this.#noteEnd(reader, socket, sender);
    } catch (error) {
      if (error instanceof FramingError) {
        metrics.syslogConnectionsRefused.inc({ reason: error.fault });
        log.warn({ sender, error: error.message }, 'Closed a syslog connection that cannot be read on');
      } else {
        log.debug({ sender, error: describeError(error) }, 'A syslog connection broke');
        this.#noteEnd(reader, socket, sender);
      }
    } finally {
      socket.destroy();
      this.#sockets.delete(socket);
      metrics.syslogConnections.dec();
    }
  }

  #noteEnd(reader: FrameReader, socket: Socket, sender: string): void {
    if (!reader.end() || this.#cutOff.has(socket)) return;
    this.options.metrics.syslogLost.inc({ transport: 'tcp', reason: 'cut_off' });
    this.options.log.warn({ sender }, 'A syslog sender ended in the middle of a message');
  }
}

async function bind(server: Server | UdpSocket, begin: () => void): Promise<void> {
  const listening = once(server, 'listening'); // rejects with the first error
  begin();
  await listening;
}

/** Resolves at once for one that is not open. */
function closed(server: Server | UdpSocket): Promise<void> {
  return new Promise((resolve) => {
    try {
      server.close(() => resolve());
    } catch {
      resolve();
    }
  });
}
