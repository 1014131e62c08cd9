/** Starts the site that the tests of `src/site/` share, and a collector of its traces, once for the run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServices } from '@aurorasoc/cli/services';
import type { TestProject } from 'vitest/node';
import { isSiteSplit, serviceSource } from './environment.js';
import { startTestSite } from './site.js';
import { startTraceCollector } from './trace-collector.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** `AURORA_HOME` of the site. */
    readonly sharedHome: string;
    /** Where its processes send their traces, and where they are read. */
    readonly sharedTraces: string;
    /** Variables that say where domains have their databases, when it is not the site's own. */
    readonly sharedDatabases: Readonly<Record<string, string>>;
  }
}

interface Shape {
  readonly databases: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const began = Date.now();
  const collector = await startTraceCollector();
  const shape = isSiteSplit() ? await splitShape() : WHOLE;
  const site = await startTestSite({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      INVESTIGATE_FROM_SEVERITY: 'OFF',
      // What a test breaks must not be mended by the time that passes: it sees what it has asked for.
      INGEST_RESEND_MS: '600000',
      ...shape.env,
      ...shape.databases,
    },
  });
  console.log(`The shared site is ready in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  project.provide('sharedHome', site.home);
  project.provide('sharedTraces', collector.url);
  project.provide('sharedDatabases', shape.databases);
  return async () => {
    await site.stop();
    await shape.stop();
    await collector.stop();
  };
}

const WHOLE: Shape = { databases: {}, env: {}, stop: async () => undefined };

/** Agents and memory in another PostgreSQL than the other domains, and no worker in the process of its subgraph. */
async function splitShape(): Promise<Shape> {
  const dataDir = mkdtempSync(join(tmpdir(), 'aurora-second-'));
  const { postgres, ...services } = await startServices({
    dataDir,
    source: serviceSource(),
    services: ['postgres'],
    durable: false,
    log: (line) => console.log(line),
  });
  const url = postgres?.url ?? '';
  return {
    databases: { AGENTS_DATABASE_URL: url, MEMORY_DATABASE_URL: url },
    env: { AURORA_WORKER_REPLICAS: '3', AURORA_START_TIMEOUT_SECONDS: '300' },
    stop: async () => {
      await services.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
