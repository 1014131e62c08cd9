/** The broker of docker-compose.yml, started by its own script with folders and port of this machine. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { keepPort } from './data-folder/ports.js';
import { CONNECTED, shakeHands } from './mqtt-handshake.js';
import { makeScratchFolder } from './testing/scratch-folder.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** From the setup of the unit specs, which finds or fetches it. */
    readonly mosquittoProgram: { readonly path: string; readonly environment: Readonly<Record<string, string>> };
  }
}

/** Of MQTT v5. */
const NOT_AUTHORIZED = 0x87;
const DEVICE = '0199a000-0000-7000-8000-000000000001';

let folder: string;
let port: number;
/** What it has told since it was started. */
let output: string;
let environment: Readonly<Record<string, string>>;

beforeEach(async () => {
  folder = makeScratchFolder();
  for (const name of ['mosquitto/data', 'etc/aurora', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
  port = await keepPort(join(folder, 'ports.json'), 'mosquitto', () => undefined);
  const deployed = (name: string) =>
    readFileSync(new URL(`../../../deploy/mosquitto/${name}`, import.meta.url), 'utf8')
      .replaceAll(/(?<=[\s"])\/(?=mosquitto\/data|etc\/aurora|tmp\/)/g, `${folder}/`)
      .replace('listener 1883', `listener ${port} 127.0.0.1`);
  for (const name of ['start.sh', 'acl']) writeFileSync(join(folder, 'etc/aurora', name), deployed(name));
  // Started by root, Mosquitto becomes another user, unless it is told not to.
  const user = process.getuid?.() === 0 ? '\nuser root\n' : '';
  writeFileSync(join(folder, 'etc/aurora/mosquitto.conf'), deployed('mosquitto.conf') + user);
  const { path, environment: found } = inject('mosquittoProgram');
  const programs = [dirname(path), join(dirname(path), '../bin')];
  environment = { ...found, PATH: [...programs, found.PATH].join(':'), XDG_CONFIG_HOME: join(folder, 'tmp') };
});

/** Starts it anew, as a container whose /tmp is gone. */
async function start(password: string): Promise<ChildProcess> {
  const child = spawn('sh', [join(folder, 'etc/aurora/start.sh')], {
    env: { ...environment, MQTT_PASSWORD: password },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await becomes(CONNECTED, 'aurora', password);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function login(user: string, password: string): Promise<number | undefined> {
  return shakeHands(`mqtt://${user}:${password}@127.0.0.1:${port}`);
}

function becomes(answer: number, user: string, password: string): Promise<void> {
  const look = async () => expect(await login(user, password), output).toBe(answer);
  return vi.waitFor(look, { timeout: 20_000, interval: 50 });
}

describe('the Mosquitto in a container', { timeout: 60_000 }, () => {
  it('lets in ingest and the devices that an operator adds, also after a restart with another password', async () => {
    const first = await start('one');
    expect(await login('aurora', 'wrong')).toBe(NOT_AUTHORIZED);
    expect(await login(DEVICE, 'secret')).toBe(NOT_AUTHORIZED);
    execFileSync('mosquitto_passwd', ['-b', join(folder, 'mosquitto/data/passwords'), DEVICE, 'secret'], {
      env: environment,
    });
    first.kill('SIGHUP');
    await becomes(CONNECTED, DEVICE, 'secret');
    await stop(first);
    await start('two');
    expect(await login('aurora', 'one')).toBe(NOT_AUTHORIZED);
    expect(await login(DEVICE, 'secret')).toBe(CONNECTED);
    expect(readFileSync(join(folder, 'mosquitto/data/passwords'), 'utf8')).not.toMatch(/two|secret/);
  });

  it('leaves its login to the health check, as options of mosquitto_sub', async () => {
    await start('one');
    expect(readFileSync(join(folder, 'tmp/mosquitto_sub'), 'utf8')).toBe('-u aurora\n-P one\n');
  });
});
