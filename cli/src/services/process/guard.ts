/**
 * The guard: a small process that stands between the supervisor and one service, so that no service outlives a killed
 * supervisor. The supervisor holds the other end of the guard's IPC pipe; the kernel closes it however the supervisor
 * ends, and the guard then ends the service.
 *
 * The guard runs in a session of its own: Ctrl-C in a terminal reaches the supervisor alone, which stops things in order.
 * A guard that is itself killed cannot end its service; the next start does (run-records.ts).
 *
 * Imports nothing but node: modules, to stay small and to run both built and from source.
 */
import { type ChildProcess, spawn } from 'node:child_process';

export interface GuardedCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The service's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** What asks this service for a quick, orderly end. */
  readonly stopSignal: 'SIGINT' | 'SIGTERM';
}

export type GuardOrder =
  | { readonly type: 'start'; readonly command: GuardedCommand }
  /** Ends the service; it is killed when it still runs after `graceMs`. */
  | { readonly type: 'stop'; readonly graceMs: number };

export type GuardReport =
  | { readonly type: 'started'; readonly pid: number }
  /** The program could not be started at all. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** All services are gone within 5 s of the supervisor's death, so the service itself gets less. */
const ORPHAN_GRACE_MS = 3_000;

let command: GuardedCommand | undefined;
let service: ChildProcess | undefined;

function startService(ordered: GuardedCommand): void {
  const { file, args, stopSignal: _, ...options } = ordered;
  command = ordered;
  // Standard error is the service's log file, opened by the supervisor; the service writes all it says there.
  service = spawn(file, args, { ...options, stdio: ['ignore', 2, 2] });
  service.once('spawn', () => report({ type: 'started', pid: service?.pid ?? 0 }));
  service.once('error', (error) => reportAndExit({ type: 'failed', message: error.message }));
  service.once('exit', (code, signal) => reportAndExit({ type: 'exited', code, signal }));
}

function endService(graceMs: number): void {
  if (service === undefined || command === undefined) process.exit(0);
  service.kill(command.stopSignal);
  setTimeout(() => service?.kill('SIGKILL'), graceMs);
}

function report(message: GuardReport, afterwards: () => void = () => {}): void {
  // Without a supervisor there is nobody to tell; 'disconnect' deals with its being gone, also when this send fails.
  if (process.connected && process.send !== undefined) process.send(message, undefined, undefined, () => afterwards());
  else afterwards();
}

function reportAndExit(message: GuardReport): void {
  report(message, () => process.exit(0));
}

process.on('message', (order: GuardOrder) => {
  if (order.type === 'start') startService(order.command);
  else endService(order.graceMs);
});
process.once('disconnect', () => endService(ORPHAN_GRACE_MS));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => endService(ORPHAN_GRACE_MS));
