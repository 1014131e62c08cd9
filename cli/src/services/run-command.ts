import { execFile } from 'node:child_process';
import { interruption, throwIfInterrupted } from './interruption.js';

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** After this many milliseconds the program is killed and counts as failed. @default 300000 */
  readonly timeoutMs?: number;
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined;
}

export interface CommandResult {
  readonly succeeded: boolean;
  readonly stdout: string;
  /** What the program said, or why it could not be started. */
  readonly stderr: string;
}

/**
 * Runs a program to its end. Failure is a value: the callers know which failures are expected.
 * @throws AuroraError `INTERRUPTED` when the signal has aborted; the program has ended then.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { timeoutMs = 300_000, signal, ...rest } = options;
  throwIfInterrupted(signal);
  return new Promise((resolve, reject) => {
    const limits = { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(file, args, { ...rest, ...limits }, (error, stdout, stderr) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(interruption());
      else resolve({ succeeded: error === null, stdout, stderr: stderr || (error?.message ?? '') });
    });
    // Not execFile's own signal, which reports the abort at once: what the program writes would still be in use then.
    const end = (): void => {
      // What the program has started may hold on to these for longer than it lives itself.
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.kill();
    };
    signal?.addEventListener('abort', end, { once: true });
  });
}
