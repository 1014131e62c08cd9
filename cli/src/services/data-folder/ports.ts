/** Ports that are chosen, not given: free ones, the same from start to start, and no two sites of this machine the same. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { describeError } from '@aurorasoc/kit/errors';
import { z } from 'zod';
import { hasErrorCode, ServiceError } from '../service-error.js';
import { type LockAttempt, tryLock } from './lock.js';
import { openReservationFolder } from './reservation-folder.js';
import { writeFileAtomically } from './write-file-atomically.js';

const portsSchema = z.record(z.string(), z.int().min(1).max(65_535));
type Ports = Readonly<Record<string, number>>;

/** Below the range that Linux (32768) and macOS (49152) give to outgoing connections, which would otherwise take a port of ours while we are down. */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_999;
const HOST = '127.0.0.1';

/** Of random choices: where so many fit nothing, the range is as good as full. */
const MOST_TRIES = 2_000;

/** One lock per port, shared by every site of this user, whatever its data folder. */
let reservations: string | undefined;
/** What gives each port of this process free again. */
const reservedHere = new Map<number, () => void>();

/**
 * The port of service `name`: the one it had before when that is still free, else another, which is remembered in `file`.
 * A program that knows nothing of reservations may take it before the service binds it; the service's start then fails and
 * asks again.
 */
export async function keepPort(file: string, name: string, log: (line: string) => void): Promise<number> {
  const earlier = readPorts(file)[name];
  const port = await choosePorts([0], earlier);
  if (port === earlier) return port;
  if (earlier !== undefined) log(`Port ${earlier} of ${name} is taken by another program; using ${port} from now on`);
  writeFileAtomically(file, JSON.stringify({ ...readPorts(file), [name]: port }));
  return port;
}

/**
 * @param offsets - all the ports that are wanted, as distances from the first.
 * @param earlier - the first port of the time before, tried first.
 * @param isTaken - says of a port that the caller needs it for something else.
 * @returns the first of ports that are all free, and reserved to this process for as long as it lives: between this choice
 *   and the bind, and while whoever uses them is restarted, they look free to everybody else.
 * @throws ServiceError `PORTS_UNAVAILABLE`
 */
export async function choosePorts(
  offsets: readonly number[],
  earlier?: number,
  isTaken: (port: number) => boolean = () => false,
): Promise<number> {
  const portsFrom = (first: number) => offsets.map((offset) => first + offset);
  const isUsable = async (ports: readonly number[]) => {
    if (ports.some(isTaken)) return false;
    const added = ports.filter((port) => !reservedHere.has(port));
    if (added.every(reserve) && (await areFree(ports))) return true;
    for (const port of added) giveBack(port);
    return false;
  };
  if (earlier !== undefined && (await isUsable(portsFrom(earlier)))) return earlier;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const first = randomInt(FIRST_PORT, LAST_PORT + 1 - Math.max(...offsets));
    const ports = portsFrom(first);
    // Another site of this process may have them: what it reserved is not free a second time.
    if (!ports.some((port) => reservedHere.has(port)) && (await isUsable(ports))) return first;
  }
  throw new ServiceError(
    'PORTS_UNAVAILABLE',
    `No free port was found between ${FIRST_PORT} and ${LAST_PORT} in ${MOST_TRIES} tries; end what holds them`,
  );
}

/** @param host - where the port is wanted; one that this machine does not have leaves every port free. */
export function isPortFree(port: number, host = HOST): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => judgeRefusal(error, resolve, reject));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** As {@link isPortFree}, of datagrams. */
export function isUdpPortFree(port: number, host = HOST): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      judgeRefusal(error, resolve, reject);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function judgeRefusal(error: Error, resolve: (isFree: boolean) => void, reject: (error: Error) => void): void {
  if (hasErrorCode(error, 'EADDRINUSE', 'EACCES')) resolve(false);
  // No matter of the port: whoever listens there says so better.
  else if (hasErrorCode(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL')) resolve(true);
  else reject(error);
}

/** Ports can be chosen anew at any time, so a file that is absent or damaged is an empty one. */
export function readPorts(file: string): Ports {
  try {
    return portsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? {};
  } catch (error) {
    if (error instanceof SyntaxError || hasErrorCode(error, 'ENOENT')) return {};
    throw error;
  }
}

/** A reservation ends with its process, however that ends. */
function reserve(port: number): boolean {
  reservations ??= openReservationFolder();
  const lock = tryToReserve(reservations, port);
  if (lock.acquired) reservedHere.set(port, lock.release);
  return lock.acquired;
}

function tryToReserve(folder: string, port: number): LockAttempt {
  try {
    return tryLock(join(folder, String(port)));
  } catch (cause) {
    throw new ServiceError(
      'PORTS_UNAVAILABLE',
      `Ports cannot be reserved in ${folder} (${describeError(cause)}); have it take files again`,
      { cause },
    );
  }
}

/** One that was refused is others' to choose. */
function giveBack(port: number): void {
  reservedHere.get(port)?.();
  reservedHere.delete(port);
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  return (await Promise.all(ports.map((port) => isPortFree(port)))).every(Boolean);
}
