/** Makes the text of `index-program.ts`: the program of the index's thread. */
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ENTRY = fileURLToPath(new URL('../src/server/store/sqlite/index/index-thread.ts', import.meta.url));

/** The file that has the text. */
export const INDEX_PROGRAM_FILE = /\/src\/server\/store\/sqlite\/index\/index-program\.ts$/;

/** Returns the code that stands in place of that of the file. */
export async function bundleIndexProgram(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    packages: 'external',
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // Names stay, for the stacks of errors.
    minifyWhitespace: true,
    define: { 'import.meta.filename': 'undefined' },
    logLevel: 'warning',
  });
  return `export const INDEX_PROGRAM = ${JSON.stringify(outputFiles[0]!.text)};`;
}

export const INDEX_PROGRAM: Plugin = {
  name: 'index-program',
  setup: ({ onLoad }) => {
    onLoad({ filter: INDEX_PROGRAM_FILE }, async () => ({ contents: await bundleIndexProgram(), loader: 'js' }));
  },
};
