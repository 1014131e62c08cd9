// biome-ignore-all lint/style/noProcessEnv: this is the one file of the services that reads the environment
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder for fetched services when the caller names none, by the XDG base directory specification. */
export function defaultCacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'aurorasoc', 'services');
}

/** This user's folder for what lives no longer than the machine runs, by the same specification; not every login has one. */
export function runtimeDir(): string | undefined {
  return process.env.XDG_RUNTIME_DIR || undefined;
}

/** Folders that are searched for programs. */
export function searchPath(): readonly string[] {
  return (process.env.PATH ?? '').split(':').filter((folder) => folder !== '');
}

/**
 * Variables for programs that need the user's own settings, which is apt-get with its proxies.
 * Messages are forced to English because they are told apart by their text.
 */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
}

/**
 * Variables for a service: nothing of the user's leaks in, so a `PGPORT` or `TZ` of theirs changes nothing.
 * @param libraryPath - folders with the shared libraries of a fetched service.
 */
export function serviceEnvironment(home: string, libraryPath: readonly string[] = []): Record<string, string> {
  return {
    PATH: searchPath().join(':'),
    HOME: home,
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(libraryPath.length > 0 && { LD_LIBRARY_PATH: libraryPath.join(':') }),
  };
}
