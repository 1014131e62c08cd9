import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Without the alias, Vite loads the ESM build of graphql beside the CommonJS one that Node gives to
  // type-graphql, and graphql refuses schemas "from another module or realm".
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{packages,subgraphs}/*/src/**/*.spec.ts', '{gateway,ingest,cli,migrations}/src/**/*.spec.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['tests/src/{e2e,contract,fault,security}/**/*.test.ts'],
          fileParallelism: false,
          globalSetup: 'tests/src/support/services-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
