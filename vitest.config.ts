import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { isSiteSplit } from './tests/src/support/environment.js';
import { LongestFirst } from './tests/src/support/longest-first.js';
import SummaryReporter from './tests/src/support/summary-reporter.js';

type ProjectConfig = NonNullable<TestProjectInlineConfiguration['test']>;

const SPECS = ['{packages,subgraphs}/*/src/**/*.spec.ts', '{gateway,ingest,cli,migrations}/src/**/*.spec.ts'];
const TRACE_SPECS = '{subgraphs/*,ingest}/src/**/*.trace.spec.ts';

/** Of the specs of single parts. */
const unit: ProjectConfig = {
  globalSetup: 'tests/src/support/service-programs-setup.ts',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Many wait for a process more than they compute.
  maxWorkers: 3,
  sequence: { groupOrder: 0 },
};

/** Every role in a process of its own: part of `npm run soak -- shapes`. */
const deployment: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'deployment',
    include: ['tests/src/deployment/**/*.test.ts'],
    globalSetup: 'tests/src/support/services-setup.ts',
    testTimeout: 60_000,
    sequence: { groupOrder: 3 },
  },
};

export default defineConfig({
  // Without the alias, Vite loads the ESM build of graphql beside the CommonJS one that Node gives to
  // type-graphql, and graphql refuses schemas "from another module or realm".
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    reporters: ['default', new SummaryReporter()],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          ...unit,
          name: 'unit',
          include: SPECS,
          exclude: [...configDefaults.exclude, TRACE_SPECS],
          // Specs leave nothing behind, and loading the packages anew for each took a quarter of their time.
          isolate: false,
        },
      },
      {
        extends: true,
        // The first tracer provider of a process stays, so each of these has a process of its own.
        test: { ...unit, name: 'trace', include: [TRACE_SPECS] },
      },
      {
        extends: true,
        test: {
          name: 'site',
          include: ['tests/src/site/**/*.test.ts'],
          globalSetup: 'tests/src/support/shared-site-setup.ts',
          // What one file reads of the site as a whole, another would change.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['tests/src/{e2e,contract,fault,security,bench,new-domain}/**/*.test.ts'],
          globalSetup: 'tests/src/support/services-setup.ts',
          // Each file drives processes of its own, which are enough for all cores.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      ...(isSiteSplit() ? [deployment] : []),
    ],
  },
});
