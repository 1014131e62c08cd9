/** A Mosquitto of its own for a spec, which lets everybody in: on a free loopback port, killed and started at will. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from './redis.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** From the setup of the unit specs, which finds or fetches it. */
    readonly mosquittoProgram: { readonly path: string; readonly environment: Readonly<Record<string, string>> };
  }
}

export interface Broker {
  readonly url: string;
  /** In good order: it writes down what it has. */
  end(): Promise<void>;
  /** Starts again on the same port and files. */
  restart(): Promise<void>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Ends it at once and removes the files. */
  stop(): Promise<void>;
}

export async function startBroker(): Promise<Broker> {
  const folder = mkdtempSync(join(tmpdir(), 'aurora-mosquitto-'));
  // Started by root, Mosquitto becomes another user, unless it is told not to.
  chmodSync(folder, 0o777);
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(
    config,
    [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence true',
      `persistence_location ${folder}/`,
      'max_queued_messages 100000',
      'log_type information',
      'log_dest stderr',
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      '',
    ].join('\n'),
  );
  let child = await launch(config);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    // Mosquitto forgets a SIGTERM that comes just before its main loop.
    const again = setInterval(() => child.kill(signal), 200);
    await exited;
    clearInterval(again);
  };
  return {
    url: `mqtt://127.0.0.1:${port}`,
    end: () => end('SIGTERM'),
    restart: async () => {
      child = await launch(config);
    },
    signal: (name) => child.kill(name),
    stop: async () => {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function launch(config: string): Promise<ChildProcess> {
  const { path, environment } = inject('mosquittoProgram');
  const child = spawn(path, ['-c', config], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`mosquitto ended: ${output}`)));
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (/ running$/m.test(output)) resolve();
    });
  });
  child.stderr.removeAllListeners('data').resume();
  return child;
}
