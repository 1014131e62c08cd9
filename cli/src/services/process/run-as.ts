/**
 * As whom a service runs. PostgreSQL refuses to run as root, and no service needs to, so a supervisor that is root gives
 * its services away:
 *
 * 1. to `nobody`, when that user can reach the program and the data folder;
 * 2. else into a user namespace, where root's own files belong to an unprivileged uid: the way when the checkout lies under
 *    a home folder that only root may enter. Containers often forbid it.
 *
 * An ordinary user runs services as itself, unless it has no passwd entry (containers with an arbitrary uid), which
 * PostgreSQL refuses as well; then the namespace supplies one.
 */
import { chownSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../run-command.js';
import type { GuardedCommand } from './guard.js';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

export type RunAs =
  | { readonly kind: 'self' }
  | { readonly kind: 'user'; readonly ids: UserIds }
  | { readonly kind: 'user-namespace'; readonly mappedTo: UserIds };

export interface ProgramProbe {
  readonly args: readonly string[];
  /** What it prints; for programs that end with a failure whatever they are asked for. */
  readonly says?: RegExp;
}

type Invocation = Pick<GuardedCommand, 'file' | 'args' | 'uid' | 'gid'>;

/**
 * @param program - must answer `--version`, unless `probe` says otherwise.
 * @param folder - existing folder that the service has to pass through.
 * @param env - the service's environment.
 * @param probe - how to see that the program runs; absent: it ends well when asked for its version.
 * @returns undefined when nobody but root can run it.
 */
export async function chooseRunAs(
  program: string,
  folder: string,
  env: Readonly<Record<string, string>>,
  probe?: ProgramProbe,
): Promise<RunAs | undefined> {
  const nobody = readNobody();
  const namespace: RunAs = { kind: 'user-namespace', mappedTo: nobody };
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && hasPasswdEntry()) return { kind: 'self' };
  const candidates: readonly RunAs[] = isRoot ? [{ kind: 'user', ids: nobody }, namespace] : [namespace];
  for (const candidate of candidates) if (await canRun(candidate, program, folder, env, probe)) return candidate;
  return undefined;
}

export function invokeAs(runAs: RunAs, file: string, args: readonly string[]): Invocation {
  switch (runAs.kind) {
    case 'self':
      return { file, args };
    case 'user':
      return { file, args, ...runAs.ids };
    case 'user-namespace': {
      const { uid, gid } = runAs.mappedTo;
      return { file: 'unshare', args: ['--user', `--map-user=${uid}`, `--map-group=${gid}`, file, ...args] };
    }
  }
}

/** Makes `folder` and all in it belong to whoever runs the service. Looks at the folder itself only when nothing has to change. */
export function giveFolder(runAs: RunAs, folder: string): void {
  const owner = runAs.kind === 'user' ? runAs.ids : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  // The folder's own owner is changed last, so an interrupted change is done again.
  if (lstatSync(folder).uid !== owner.uid) changeOwner(folder, owner);
}

function changeOwner(path: string, owner: UserIds): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return; // the target may be anywhere
  if (stat.isDirectory()) for (const name of readdirSync(path)) changeOwner(join(path, name), owner);
  chownSync(path, owner.uid, owner.gid);
}

/** Permissions, mounts, missing libraries, namespaces: trying says more than any calculation from mode bits. */
async function canRun(
  runAs: RunAs,
  program: string,
  folder: string,
  env: Readonly<Record<string, string>>,
  probe: ProgramProbe = { args: ['--version'] },
): Promise<boolean> {
  const { file, args, ...ids } = invokeAs(runAs, '/bin/sh', [
    '-c',
    'cd "$1" && shift && exec "$@"',
    'sh',
    folder,
    program,
    ...probe.args,
  ]);
  const result = await runCommand(file, args, { env, cwd: '/', ...ids, timeoutMs: 20_000 });
  return probe.says === undefined ? result.succeeded : probe.says.test(result.stdout + result.stderr);
}

function hasPasswdEntry(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false; // the documented way in which userInfo says that the uid has no entry
  }
}

function readNobody(): UserIds {
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return uid === undefined || gid === undefined ? { uid: 65_534, gid: 65_534 } : { uid: Number(uid), gid: Number(gid) };
}
