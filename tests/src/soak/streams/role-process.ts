/** One role of the product in a process of its own, to be killed and started again; no supervisor stands between. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { basicVariables } from '../../support/environment.js';

const BIN = fileURLToPath(new URL('../../../../cli/dist/bin.js', import.meta.url));

export interface RoleProcessOptions {
  /** What `aurora serve` is told. */
  readonly role: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Gets what it prints, over all of its lives. */
  readonly logFile: string;
}

export class RoleProcess {
  #child: ChildProcess | undefined;
  /**
   * Ends that nobody asked for, and those that were to be in order and were not (draining takes 20 s at most): each is a fault of
   * the product, which must outlive whatever its services do.
   */
  crashes = 0;

  constructor(private readonly options: RoleProcessOptions) {}

  start(): void {
    const { role, environment, logFile } = this.options;
    const output = openSync(logFile, 'a');
    const child = spawn(process.execPath, [BIN, 'serve', '--role', role], {
      // The pipe is its tie to this process: when that dies, so does it.
      env: { ...basicVariables(), ...environment, AURORA_SUPERVISED: '1' },
      stdio: ['pipe', output, output],
    });
    closeSync(output); // The child has its own.
    child.on('exit', () => {
      if (this.#child === child) this.crashes += 1;
    });
    this.#child = child;
  }

  /** Ends it as a fault would; resolves when it is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Sends what does not end it. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void {
    this.#child?.kill(name);
  }

  /** How often it has logged this message, over all of its lives. */
  countLogged(message: string): number {
    return readFileSync(this.options.logFile, 'utf8').split(`"msg":${JSON.stringify(message)}`).length - 1;
  }

  /** Ends it in order. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    // By the signal itself ends who has not started yet.
    if (signal === 'SIGTERM' && child.exitCode !== 0 && child.signalCode === null) this.crashes += 1;
  }
}
