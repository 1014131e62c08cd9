/** Starts the site that the tests of `src/site/` share, and a collector of its traces, once for the run. */
import type { TestProject } from 'vitest/node';
import { startTestSite } from './site.js';
import { startTraceCollector } from './trace-collector.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** `AURORA_HOME` of the site. */
    readonly sharedHome: string;
    /** Where its processes send their traces, and where they are read. */
    readonly sharedTraces: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const began = Date.now();
  const collector = await startTraceCollector();
  const site = await startTestSite({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      INVESTIGATE_FROM_SEVERITY: 'OFF',
      // What a test breaks must not be mended by the time that passes: it sees what it has asked for.
      INGEST_RESEND_MS: '600000',
    },
  });
  console.log(`The shared site is ready in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  project.provide('sharedHome', site.home);
  project.provide('sharedTraces', collector.url);
  return async () => {
    await site.stop();
    await collector.stop();
  };
}
