import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { bundleIndexProgram, INDEX_PROGRAM_FILE } from './scripts/index-program.ts';

const source = (file: string) => fileURLToPath(new URL(`src/${file}`, import.meta.url));

/** Tests that take their time, or need a network: `npm run test:long`, and not `npm test`. */
const LONG = 'test/**/*.long.test.ts';

export default defineConfig(({ mode }) => ({
  // As in the built package, the index works on a thread.
  plugins: [
    {
      name: 'index-program',
      enforce: 'pre',
      load: (id: string) => (INDEX_PROGRAM_FILE.test(id) ? bundleIndexProgram() : undefined),
    },
  ],
  resolve: {
    // The package's own name means the sources, as in tsconfig.json, so that no test depends on a build.
    alias: [
      { find: /^humanloop-otel$/, replacement: source('index.ts') },
      { find: /^humanloop-otel\/server$/, replacement: source('server/index.ts') },
    ],
  },
  test: {
    include:
      mode === 'long' ? [LONG, 'test/chaos/*.test.ts', 'test/pipeline/*-property.test.ts'] : ['test/**/*.test.ts'],
    exclude: mode === 'long' ? configDefaults.exclude : [...configDefaults.exclude, LONG],
    setupFiles: ['test/support/property-seed.ts'],
    globalSetup: ['test/support/build-package.ts'],
    // Most of their time tests wait for timers, sockets and processes. One worker fewer than cores is the default: on a
    // machine with two, all of it would be waited for in a row.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', './test/support/progress-reporter.ts'],
    slowTestThreshold: 1_000,
    // For what hangs: no test waits for a time-out when all is well, and a slow machine is not a fault of the code.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/viewer/**'],
      reporter: ['text-summary'],
    },
  },
}));
