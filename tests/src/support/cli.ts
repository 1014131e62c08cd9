/** Runs `aurora` as a person would, from the built program. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { basicVariables } from './environment.js';

const BIN = fileURLToPath(new URL('../../../cli/dist/bin.js', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** @returns what it printed and its exit code; null when the time ran out and it was ended. */
export function aurora(
  args: readonly string[],
  { env = {}, input, timeoutMs = 60_000 }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { ...basicVariables(), ...env },
      stdio: 'pipe',
      timeout: timeoutMs,
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      output.stdout += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output.stderr += chunk.toString('utf8');
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
    child.stdin.end(input);
  });
}
