import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { z } from 'zod';
import { hasErrorCode } from '../service-error.js';
import { writeFileAtomically } from './write-file-atomically.js';

const portsSchema = z.record(z.string(), z.int().min(1).max(65_535));
type Ports = Readonly<Record<string, number>>;

/** Below the range that Linux (32768) and macOS (49152) give to outgoing connections, which would otherwise take a port of ours while we are down. */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_999;
const HOST = '127.0.0.1';

/**
 * The port of service `name`: the one it had before when that is still free, else another, which is remembered in `file`.
 * A free port may be taken before the service binds it; the service's start then fails and asks again.
 */
export async function keepPort(file: string, name: string, log: (line: string) => void): Promise<number> {
  const ports = readPorts(file);
  const earlier = ports[name];
  if (earlier !== undefined && (await isPortFree(earlier))) return earlier;
  const port = await findFreePort(Object.values(ports));
  if (earlier !== undefined) log(`Port ${earlier} of ${name} is taken by another program; using ${port} from now on`);
  writeFileAtomically(file, JSON.stringify({ ...readPorts(file), [name]: port }));
  return port;
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

async function findFreePort(taken: readonly number[]): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (!taken.includes(port) && (await isPortFree(port))) return port;
  }
}

/** Ports can be chosen anew at any time, so a file that is absent or damaged is an empty one. */
function readPorts(file: string): Ports {
  try {
    return portsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? {};
  } catch (error) {
    if (error instanceof SyntaxError || hasErrorCode(error, 'ENOENT')) return {};
    throw error;
  }
}
