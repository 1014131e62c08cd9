/**
 * Names one process for good. A pid alone does not: after a crash or a reboot the number may belong to a stranger, and
 * ending "our" leftover would then end somebody else's program.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { hasErrorCode } from '../service-error.js';

export const processIdentitySchema = z.object({
  pid: z.int().positive(),
  /** Opaque; equal only for the same process. Linux: boot id and clock ticks since boot. macOS: the start as `ps` prints it. */
  startTime: z.string().min(1),
});
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** Fields of /proc/<pid>/stat counted from the one after the command name, see proc_pid_stat(5): state is 3, starttime 22. */
const STATE = 0;
const START_TICKS = 22 - 3;

/** The identity of the process that has `pid` now; undefined when there is none, or only its zombie. */
export function readProcessIdentity(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === 'linux' ? readLinuxStartTime(pid) : readStartTimeByPs(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return readProcessIdentity(identity.pid)?.startTime === identity.startTime;
}

/** Signals the process if it still is the same one. @returns false when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if (hasErrorCode(error, 'ESRCH')) return false;
    throw error;
  }
}

let bootId: string | undefined;

function readLinuxStartTime(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    // ESRCH: the process ended between open and read.
    if (hasErrorCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
  // The command name stands in parentheses and may itself hold spaces and parentheses; nothing after it does.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[STATE] === 'Z' || fields[STATE] === 'X') return undefined;
  // Ticks count from boot, and early services get the same pid and tick on every boot.
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${bootId}/${fields[START_TICKS]}`;
}

function readStartTimeByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined; // ps exits with 1 when no process has this pid
  }
}
