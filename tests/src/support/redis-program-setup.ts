/**
 * Finds the Redis that specs of single parts start for themselves: the one on PATH, or a fetched one. Ingest, which knows
 * packages only, cannot ask for it itself.
 */
import { defaultCacheDir, findServiceBinary, serviceEnvironment } from '@aurorasoc/cli/services';
import type { TestProject } from 'vitest/node';
import { serviceSource } from './environment.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of `redis-server`, and the variables that it needs to find its libraries. */
    readonly redisProgram: { readonly path: string; readonly environment: Readonly<Record<string, string>> };
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const { binary, libraryPath } = await findServiceBinary('redis', {
    source: serviceSource(),
    cacheDir: defaultCacheDir(),
    log: (line) => console.log(line),
  });
  project.provide('redisProgram', { path: binary, environment: serviceEnvironment('/', libraryPath) });
}
