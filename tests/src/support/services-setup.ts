/**
 * Starts PostgreSQL, Redis and Mosquitto once for all system tests, on free ports, and ends them with the run. The tests need nothing
 * that is installed on the machine or named in the environment.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServices } from '@aurorasoc/cli/services';
import type { TestProject } from 'vitest/node';
import { serviceSource } from './environment.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** With a superuser's login. */
    readonly postgresUrl: string;
    readonly redisUrl: string;
    /** With the login that ingest has. */
    readonly mqttUrl: string;
    /** Roles are cluster-wide, so all databases of a run share one installation secret. */
    readonly secretFile: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'aurora-system-'));
  const began = Date.now();
  const services = await startServices({
    dataDir,
    source: serviceSource(),
    services: ['postgres', 'redis', 'mosquitto'],
    durable: false,
    log: (line) => console.log(line),
  });
  console.log(`Services ready in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  const secretFile = join(dataDir, 'secret');
  writeFileSync(secretFile, randomBytes(32), { mode: 0o600 });
  project.provide('postgresUrl', services.postgres?.url ?? '');
  project.provide('redisUrl', services.redis?.url ?? '');
  project.provide('mqttUrl', services.mosquitto?.url ?? '');
  project.provide('secretFile', secretFile);
  return async () => {
    await services.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
