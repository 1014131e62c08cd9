/**
 * Finds the Redis and the Mosquitto that specs of single parts start for themselves: those on PATH, or fetched ones. Ingest,
 * which knows packages only, cannot ask for them itself.
 */
import { defaultCacheDir, findServiceBinary, serviceEnvironment } from '@aurorasoc/cli/services';
import type { TestProject } from 'vitest/node';
import { serviceSource } from './environment.js';

interface ServiceProgram {
  readonly path: string;
  /** The variables that it needs to find its libraries. */
  readonly environment: Readonly<Record<string, string>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly redisProgram: ServiceProgram;
    readonly mosquittoProgram: ServiceProgram;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  project.provide('redisProgram', await findProgram('redis'));
  project.provide('mosquittoProgram', await findProgram('mosquitto'));
}

async function findProgram(service: 'redis' | 'mosquitto'): Promise<ServiceProgram> {
  const { binary, libraryPath } = await findServiceBinary(service, {
    source: serviceSource(),
    cacheDir: defaultCacheDir(),
    log: (line) => console.log(line),
  });
  return { path: binary, environment: serviceEnvironment('/', libraryPath) };
}
