import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { choosePorts, keepPort } from './ports.js';

const ignore = () => {};

describe('keepPort', () => {
  it('remembers one port per service', async () => {
    const file = join(makeScratchFolder(), 'ports.json');
    const postgres = await keepPort(file, 'postgres', ignore);
    const redis = await keepPort(file, 'redis', ignore);
    expect(postgres).not.toBe(redis);
    expect([await keepPort(file, 'postgres', ignore), await keepPort(file, 'redis', ignore)]).toEqual([
      postgres,
      redis,
    ]);
  });

  it('keeps the ports of services that are prepared at the same time', async () => {
    const file = join(makeScratchFolder(), 'ports.json');
    const names = ['a', 'b', 'c', 'd'];
    const ports = await Promise.all(names.map((name) => keepPort(file, name, ignore)));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(
      Object.fromEntries(names.map((name, index) => [name, ports[index]])),
    );
  });

  it.each(['', '{"redis": ', '{"redis": 99999999}', '[]', 'null'])(
    'takes the damaged file %j for an empty one',
    async (content) => {
      const file = join(makeScratchFolder(), 'ports.json');
      writeFileSync(file, content);
      const port = await keepPort(file, 'redis', ignore);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ redis: port });
    },
  );
});

describe('choosePorts', () => {
  it('leaves alone what another process has chosen and not bound yet, until that process has ended', async () => {
    const other = startOther();
    const port = Number(await firstLine(other));
    expect(await choosePorts([0], port)).not.toBe(port);
    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(await choosePorts([0], port)).toBe(port);
  });

  it('leaves to others what it has looked at and not taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await choosePorts([0], port)).not.toBe(port);
    server.close();
    await once(server, 'close');
    expect(Number(await firstLine(startOther(port)))).toBe(port);
  });

  it('ends with an error where nothing fits', async () => {
    await expect(choosePorts([0], undefined, () => true)).rejects.toMatchObject({ code: 'PORTS_UNAVAILABLE' });
  });

  it('gives a second site of this process other ports, and the first one its own again', async () => {
    const first = await choosePorts([0, 100]);
    const rest = await Promise.all(Array.from({ length: 20 }, () => choosePorts([0, 100])));
    const all = [first, ...rest].flatMap((port) => [port, port + 100]);
    expect(new Set(all).size).toBe(all.length);
    expect(await choosePorts([0, 100], first)).toBe(first);
  });
});

/** Chooses a port, prints it, and then does nothing with it. */
function startOther(earlier?: number): ChildProcess {
  const module = new URL('../../../dist/services/data-folder/ports.js', import.meta.url).href;
  const script = `console.log(await (await import(${JSON.stringify(module)})).choosePorts([0], ${earlier})); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return chunk.toString().trim();
}
