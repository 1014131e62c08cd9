import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, signalProcess } from './process-identity.js';

/** A process that is not our child reports its end to somebody else, so its end can only be looked for. */
const LOOK_EVERY_MS = 20;
/** How long the kernel may need to take down a killed process with large mappings. */
const KILL_GRACE_MS = 2_000;

/**
 * Ends a process that need not be our child: asks by `signal`, kills after `graceMs`.
 * @returns whether it is gone. False only when the kernel keeps it, for example in uninterruptible I/O.
 */
export async function endProcess(identity: ProcessIdentity, signal: NodeJS.Signals, graceMs: number): Promise<boolean> {
  if (!signalProcess(identity, signal)) return true;
  if (await waitUntilGone(identity, graceMs)) return true;
  signalProcess(identity, 'SIGKILL');
  return waitUntilGone(identity, KILL_GRACE_MS);
}

export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
}
