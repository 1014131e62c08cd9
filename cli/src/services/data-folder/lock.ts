/**
 * A lock that needs nothing but a folder and that a crash cannot leave closed.
 *
 * The folder holds symbolic links named by rising numbers, each pointing at its owner ("pid start-time", or "free"); the
 * highest one counts. Taking or releasing the lock means creating the next number. That is atomic, link and content at
 * once, and exactly one process can do it, also when several find the same dead owner. Removing a dead owner's lock file
 * instead, the common way, lets a slow second process remove the file that a quick first one has just created.
 *
 * Owners are processes of this machine and pid namespace: two containers that share a folder do not see each other.
 */
import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity, readProcessIdentity } from '../process/process-identity.js';
import { hasErrorCode } from '../service-error.js';

export type LockAttempt =
  | { readonly acquired: true; release(): void }
  | { readonly acquired: false; readonly heldBy: ProcessIdentity };

const FREE = 'free';

/** Takes the lock, or says which live process has it. The same process cannot take it twice. */
export function tryLock(folder: string): LockAttempt {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const self = readProcessIdentity(process.pid);
  if (self === undefined) throw new Error('This process cannot read its own start time');
  for (;;) {
    const { generation, owner } = readNewest(folder);
    if (owner !== undefined && isAlive(owner)) return { acquired: false, heldBy: owner };
    const mine = generation + 1;
    if (claimGeneration(folder, mine, `${self.pid} ${self.startTime}`)) {
      return { acquired: true, release: () => void claimGeneration(folder, mine + 1, FREE) };
    }
  }
}

function readNewest(folder: string): { generation: number; owner: ProcessIdentity | undefined } {
  for (;;) {
    const generation = Math.max(0, ...listGenerations(folder));
    if (generation === 0) return { generation, owner: undefined };
    try {
      return { generation, owner: parseOwner(readlinkSync(join(folder, String(generation)))) };
    } catch (error) {
      // Superseded and removed between listing and reading.
      if (!hasErrorCode(error, 'ENOENT')) throw error;
    }
  }
}

function claimGeneration(folder: string, generation: number, owner: string): boolean {
  try {
    symlinkSync(owner, join(folder, String(generation)));
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
  // A process that slept since it read the folder may have re-created a number that was superseded and removed.
  const generations = listGenerations(folder);
  if (Math.max(...generations) > generation) {
    rmSync(join(folder, String(generation)), { force: true });
    return false;
  }
  for (const older of generations) if (older < generation) rmSync(join(folder, String(older)), { force: true });
  return true;
}

function listGenerations(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parseOwner(text: string): ProcessIdentity | undefined {
  const [, pid, startTime] = /^(\d+) (.+)$/.exec(text) ?? [];
  return pid === undefined || startTime === undefined ? undefined : { pid: Number(pid), startTime };
}
