/** The programs of `docs/examples`, run as the README says to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { basicVariables } from './environment.js';

const ENDS_WITHIN_MS = 10_000;
const FOLDER = new URL('../../../docs/examples/', import.meta.url);

export interface RunningExample {
  /** What it has said so far, by either stream. */
  readonly output: string;
  /** Also done when the test ends. */
  stop(): Promise<void>;
}

export function startExample(file: string, variables: Readonly<Record<string, string>>): RunningExample {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(new URL(file, FOLDER))], {
    env: { ...basicVariables(), ...variables },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (output += String(text)));
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode !== null || !child.kill()) return;
    const killing = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
    await ended;
    clearTimeout(killing);
  };
  onTestFinished(stop);
  return {
    get output() {
      return output;
    },
    stop,
  };
}
