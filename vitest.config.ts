import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (file: string) => fileURLToPath(new URL(`src/${file}`, import.meta.url));

export default defineConfig({
  resolve: {
    // The package's own name means the sources, as in tsconfig.json, so that no test depends on a build.
    alias: [
      { find: /^humanloop-otel$/, replacement: source('index.ts') },
      { find: /^humanloop-otel\/server$/, replacement: source('server/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build-package.ts'],
    testTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/viewer/**'],
      reporter: ['text-summary'],
    },
  },
});
