import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { type ProcessIdentity, readProcessIdentity } from './process-identity.js';

/**
 * Processes that run `program` with `folder` as their working directory, in no order. Processes that this user may not look
 * at are left out. Always empty where there is no /proc.
 */
export function findProcesses(program: string, folder: string): readonly ProcessIdentity[] {
  if (process.platform !== 'linux') return [];
  const exe = realpathSync(program);
  const cwd = realpathSync(folder);
  return readdirSync('/proc')
    .filter(
      (name) => /^\d+$/.test(name) && readLink(`/proc/${name}/cwd`) === cwd && readLink(`/proc/${name}/exe`) === exe,
    )
    .flatMap((name) => readProcessIdentity(Number(name)) ?? []);
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // it ended meanwhile, is a kernel thread, or belongs to somebody else
  }
}
