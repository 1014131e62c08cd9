import { execFile } from 'node:child_process';

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** After this many milliseconds the program is killed and counts as failed. @default 300000 */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  readonly succeeded: boolean;
  readonly stdout: string;
  /** What the program said, or why it could not be started. */
  readonly stderr: string;
}

/** Runs a program to its end. Failure is a value: the callers know which failures are expected. */
export function runCommand(file: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { timeoutMs = 300_000, ...rest } = options;
  return new Promise((resolve) => {
    execFile(file, args, { ...rest, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ succeeded: error === null, stdout, stderr: stderr || (error?.message ?? '') });
    });
  });
}
