import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { RunningServices, ServicesOptions } from '../start-services.js';

export interface SupervisorOptions extends Omit<ServicesOptions, 'log' | 'onExit'> {
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: NodeJS.ProcessEnv;
}

export interface SupervisorAnswer extends Pick<RunningServices, 'postgres' | 'redis' | 'pids'> {
  readonly error?: { readonly code: string; readonly message: string };
  /** What it had to tell a person until then. */
  readonly lines: readonly string[];
}

const LOADER = new URL('./run-from-source.ts', import.meta.url).href;
const SCRIPT = fileURLToPath(new URL('./supervisor.ts', import.meta.url));

/** Starts a supervisor in a process of its own, without waiting for it. It ends with the test at the latest. */
export function spawnSupervisor({ uid, gid, env, ...options }: SupervisorOptions): ChildProcess {
  const child = spawn(process.execPath, ['--import', LOADER, SCRIPT, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(env && { env }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  });
  onTestFinished(() => stopSupervisor(child));
  return child;
}

export async function runSupervisor(
  options: SupervisorOptions,
): Promise<{ child: ChildProcess; answer: SupervisorAnswer }> {
  const child = spawnSupervisor(options);
  if (child.stdout === null) throw new Error('The supervisor has no standard output');
  for await (const line of createInterface({ input: child.stdout })) return { child, answer: JSON.parse(line) };
  throw new Error('The supervisor ended without an answer');
}

/** Has it stop its services in order. */
export async function stopSupervisor(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  await exited;
}

/** As a crash or the kernel's memory killer would end it. */
export async function killSupervisor(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
