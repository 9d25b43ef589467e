/**
 * Bundles the package's JavaScript: one file for each entry, and chunks for what they share.
 *
 * Apps import it when they start, and a hundred small modules take several times as long as the same code in one file.
 * The same files exist as CommonJS (`.cjs`), for those that cannot `require` an ES module: jest, and bundles.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, transform } from 'esbuild';

const source = fileURLToPath(new URL('../src/', import.meta.url));
const MODULES = ['index.ts', 'server/index.ts', 'register.ts', 'edge/index.ts', 'edge/register.ts'];
/** Files that nothing requires. */
const PROGRAMS = ['cli.ts', 'register/loader-thread.ts'];
const TARGET = 'node20';

/**
 * Of all packages only protobufjs is bundled, since only its reader and writer are needed. `long`, which it can do
 * without, is left out: the numbers that are read with it are not.
 */
const BUNDLED: Plugin = {
  name: 'bundled',
  setup: ({ onResolve, onLoad }) => {
    const { resolve: find } = createRequire(import.meta.url);
    onResolve({ filter: /^protobufjs\// }, ({ path }) => ({ path: find(path) }));
    onResolve({ filter: /^long$/ }, () => ({ path: 'long', namespace: 'left-out' }));
    onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: 'module.exports = undefined;' }));
  },
};

export async function writePackageFiles(directory: string): Promise<void> {
  await rm(join(directory, 'chunks'), { recursive: true, force: true });
  const { outputFiles, metafile } = await build({
    entryPoints: [...MODULES, ...PROGRAMS].map((entry) => source + entry),
    outbase: source,
    outdir: directory,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    // In a folder of their own, so that the code finds other files by the same relative paths as in src.
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    plugins: [BUNDLED],
    format: 'esm',
    platform: 'node',
    target: TARGET,
    sourcemap: true,
    logLevel: 'warning',
  });
  const programs = Object.entries(metafile.outputs)
    .filter(([, { entryPoint }]) => PROGRAMS.some((program) => entryPoint?.endsWith(program)))
    .map(([file]) => resolve(file));
  for (const { path, text } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    if (path.endsWith('.js') && !programs.includes(path)) {
      await writeFile(path.replace(/js$/, 'cjs'), await toCommonJs(text));
    }
  }
}

/** File by file, since esbuild does not split CommonJS: entries would not share their chunks, and so not their state. */
async function toCommonJs(text: string): Promise<string> {
  const { code, warnings } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: TARGET,
    // jest cannot run `import()`; what is loaded late here can be required.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.filename': '__filename' },
  });
  const [warning] = warnings;
  if (warning) throw new Error(`no CommonJS: ${warning.text} (${warning.location?.lineText})`);
  return code
    .replaceAll(/\brequire\("(\.\.?\/[^"]+)\.js"\)/g, 'require("$1.cjs")')
    .replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n');
}
