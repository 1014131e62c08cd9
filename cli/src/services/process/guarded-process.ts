import { type ChildProcess, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError } from '@aurorasoc/kit/errors';
import { ServiceError } from '../service-error.js';
import { endProcess } from './end-process.js';
import type { GuardedCommand, GuardOrder, GuardReport } from './guard.js';
import { type ProcessIdentity, readProcessIdentity, signalProcess } from './process-identity.js';

export interface ServiceExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  readonly guard: ProcessIdentity;
  readonly service: ProcessIdentity;
  /** Resolves when guard and service are both gone; never rejects. */
  readonly exited: Promise<ServiceExit>;
  /** Asks for an orderly end, kills after `graceMs`. Resolves when both are gone. */
  stop(graceMs: number): Promise<void>;
  /** Signals the service itself, as a fault would. */
  kill(signal: NodeJS.Signals): void;
}

/** How long a service may take to end in order when its guard was killed; as the guard's own patience. */
const ORPHAN_GRACE_MS = 3_000;

// The guard has this file's own extension: .js when built, .ts when run from source (Node strips the types itself).
const GUARD_FILE = fileURLToPath(new URL(`./guard${extname(fileURLToPath(import.meta.url))}`, import.meta.url));

/**
 * Starts `command` under a guard.
 *
 * @param name - shown in process lists only.
 * @param logFd - open file descriptor that gets all output of the service and of the guard; stays the caller's to close.
 * @returns once the service's process exists, which says nothing about its being ready.
 * @throws ServiceError `SERVICE_DIED` when the program cannot be started.
 */
export async function startGuarded(name: string, command: GuardedCommand, logFd: number): Promise<GuardedProcess> {
  const child = spawnGuard(name, logFd);
  const guardExited = waitForExit(child);
  const send = (order: GuardOrder) => {
    if (child.connected) child.send(order, () => {}); // a guard that is gone shows as its exit
  };

  let reportedExit: ServiceExit | undefined;
  const started = new Promise<GuardReport>((resolve) => {
    child.on('message', (report: GuardReport) => {
      if (report.type === 'exited') reportedExit = report;
      resolve(report);
    });
  });
  send({ type: 'start', command });
  const first = await Promise.race([started, guardExited]);
  if (first.type !== 'started')
    throw notStarted(name, first.type === 'failed' ? first.message : 'its guard ended before it');

  const guard = readProcessIdentity(child.pid ?? 0);
  const service = readProcessIdentity(first.pid);
  // Either may already be gone again; the record then names a process that never matches.
  const guardIdentity = guard ?? { pid: child.pid ?? first.pid, startTime: 'ended' };
  const serviceIdentity = service ?? { pid: first.pid, startTime: 'ended' };
  const exited = guardExited.then(async () => {
    if (reportedExit !== undefined) return reportedExit;
    // The guard was killed and could not do its duty.
    await endProcess(serviceIdentity, command.stopSignal, ORPHAN_GRACE_MS);
    return { code: null, signal: null };
  });
  return {
    guard: guardIdentity,
    service: serviceIdentity,
    exited,
    async stop(graceMs) {
      send({ type: 'stop', graceMs });
      await exited;
    },
    kill: (signal) => void signalProcess(serviceIdentity, signal),
  };
}

function spawnGuard(name: string, logFd: number): ChildProcess {
  try {
    return spawn(process.execPath, [GUARD_FILE, name], {
      detached: true, // a session of its own, see guard.ts
      stdio: ['ignore', 'ignore', logFd, 'ipc'],
      env: {},
    });
  } catch (cause) {
    throw notStarted(name, describeError(cause), cause);
  }
}

/** Resolves when the guard has ended, or could not be started at all; what is told of a running one is not its end. */
function waitForExit(child: ChildProcess): Promise<GuardReport> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ type: 'exited', code, signal }));
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ type: 'failed', message: error.message });
    });
  });
}

function notStarted(name: string, reason: string, cause?: unknown): ServiceError {
  return new ServiceError('SERVICE_DIED', `${name} could not be started: ${reason}`, { cause });
}
