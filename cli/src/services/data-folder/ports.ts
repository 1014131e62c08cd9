/** Ports that are chosen, not given: free ones, the same from start to start, and no two sites of this machine the same. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { hasErrorCode } from '../service-error.js';
import { tryLock } from './lock.js';
import { writeFileAtomically } from './write-file-atomically.js';

const portsSchema = z.record(z.string(), z.int().min(1).max(65_535));
type Ports = Readonly<Record<string, number>>;

/** Below the range that Linux (32768) and macOS (49152) give to outgoing connections, which would otherwise take a port of ours while we are down. */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_999;
const HOST = '127.0.0.1';

/** One lock per port, shared by every site of this user, whatever its data folder. */
const RESERVATIONS = join(tmpdir(), `aurorasoc-ports-${process.getuid?.() ?? 'all'}`);
const reservedHere = new Set<number>();

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
 */
export async function choosePorts(
  offsets: readonly number[],
  earlier?: number,
  isTaken: (port: number) => boolean = () => false,
): Promise<number> {
  const portsFrom = (first: number) => offsets.map((offset) => first + offset);
  const isUsable = async (ports: readonly number[]) =>
    ports.every((port) => !isTaken(port)) && ports.every(reserve) && (await areFree(ports));
  if (earlier !== undefined && (await isUsable(portsFrom(earlier)))) return earlier;
  for (;;) {
    const first = randomInt(FIRST_PORT, LAST_PORT + 1 - Math.max(...offsets));
    const ports = portsFrom(first);
    // Another site of this process may have them: what it reserved is not free a second time.
    if (!ports.some((port) => reservedHere.has(port)) && (await isUsable(ports))) return first;
  }
}

export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (hasErrorCode(error, 'EADDRINUSE', 'EACCES')) resolve(false);
      else reject(error);
    });
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });
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
  if (!reservedHere.has(port) && tryLock(join(RESERVATIONS, String(port))).acquired) reservedHere.add(port);
  return reservedHere.has(port);
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  return (await Promise.all(ports.map(isPortFree))).every(Boolean);
}
