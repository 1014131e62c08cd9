import { defineConfig } from 'vitest/config';
import SummaryReporter from './tests/src/support/summary-reporter.js';

export default defineConfig({
  // Without the alias, Vite loads the ESM build of graphql beside the CommonJS one that Node gives to
  // type-graphql, and graphql refuses schemas "from another module or realm".
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    reporters: ['default', new SummaryReporter()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          globalSetup: 'tests/src/support/service-programs-setup.ts',
          include: ['{packages,subgraphs}/*/src/**/*.spec.ts', '{gateway,ingest,cli,migrations}/src/**/*.spec.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['tests/src/{e2e,contract,fault,security}/**/*.test.ts'],
          globalSetup: 'tests/src/support/services-setup.ts',
          // Each file drives whole processes; two at a time would measure each other.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
