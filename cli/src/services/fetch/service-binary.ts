import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { searchPath, serviceEnvironment } from '../environment.js';
import { runCommand } from '../run-command.js';
import type { ServicePackage } from './service-packages.js';

export interface ServiceBinary {
  readonly binary: string;
  /** Folders with its shared libraries; empty for a binary of the host's own. */
  readonly libraryPath: readonly string[];
}

/** @returns undefined when the binary does not run here or does not say its version. */
export async function readMajorVersion(
  { binary, libraryPath }: ServiceBinary,
  wanted: ServicePackage,
): Promise<number | undefined> {
  const result = await runCommand(binary, wanted.versionArgs, {
    env: serviceEnvironment('/', libraryPath),
    timeoutMs: 20_000,
  });
  // Judged by the text alone: Mosquitto prints its help with exit code 3.
  const major = wanted.versionPattern.exec(result.stdout + result.stderr)?.[1];
  return major === undefined ? undefined : Number(major);
}

/** Whether it runs here and is of a version that AuroraSOC works with. */
export async function isNewEnough(binary: ServiceBinary, wanted: ServicePackage): Promise<boolean> {
  const major = await readMajorVersion(binary, wanted);
  return major !== undefined && major >= wanted.minimumMajor;
}

export function findOnPath(program: string): string | undefined {
  return searchPath()
    .map((folder) => join(folder, program))
    .find(isProgram);
}

/** Also false where this user may not search the folder, as with root's PATH: a shell passes such a folder over, too. */
function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
