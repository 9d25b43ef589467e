/**
 * Bundles the package's JavaScript: one file for each entry, and chunks for what they share.
 *
 * Apps import it when they start, and a hundred small modules take several times as long as the same code in one file.
 * Nothing of `index.js` is left for later: `CONVENTIONS` is public and its readers are called without waiting, so an ES
 * module has to load them, which is half of the time. Of the rest, a part could be loaded with the first span, but then
 * `update()`, `stats()` and the end of a process would have to wait for it.
 *
 * The same files exist as CommonJS (`.cjs`), for those that cannot `require` an ES module: jest, and bundles.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin, transform } from 'esbuild';
import { INDEX_PROGRAM } from './index-program.ts';

const source = fileURLToPath(new URL('../src/', import.meta.url));
const MODULES = ['index.ts', 'server/index.ts', 'register.ts'];
/** Files that nothing requires. */
const PROGRAMS = ['cli.ts', 'register/loader-thread.ts'];
/** Bundled by themselves: never in one process with the others, with which they would share a chunk of a few lines. */
const EDGE_MODULES = ['edge/index.ts', 'edge/register.ts'];
const TARGET = 'node20';

/**
 * A module is in one chunk with those that the same entries need, so each odd set of entries makes a file, and each file
 * costs the app's start half a millisecond. Entries that say that they need these modules have one chunk for them all.
 * Nothing runs for that which is not used.
 */
const SHARED = [
  'conventions/index.ts',
  'datapoint/project.ts',
  'datapoint/to-datapoint.ts',
  'datapoint/withhold-content.ts',
  'delivery/advice.ts',
  'host/warnings.ts',
  'options.ts',
  'processors/propagator.ts',
  'sqlite/open.ts',
  'trace/same-call/call-facts.ts',
  'trace/same-call/same-call.ts',
  'transport/http-transport.ts',
  'wire/reference-id.ts',
];
const SHARING = /\/src\/(index|register|cli|server\/index|check\/check|cli\/(?:maintenance|migrate))\.ts$/;
/** What `index.js` loads, itself included: the chunk above, and that of the pipeline. */
const MAX_FILES_OF_INDEX = 3;

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

const ONE_CHUNK: Plugin = {
  name: 'one-chunk',
  setup: ({ onLoad }) => {
    onLoad({ filter: SHARING }, async ({ path }) => {
      const toSource = relative(dirname(path), source) || '.';
      const imports = SHARED.map((file) => `import './${toSource}/${file}';`);
      return { contents: `${await readFile(path, 'utf8')}\n${imports.join('\n')}\n`, loader: 'ts' };
    });
  },
};

export async function writePackageFiles(directory: string): Promise<void> {
  await rm(join(directory, 'chunks'), { recursive: true, force: true });
  await bundle([...MODULES, ...PROGRAMS], directory);
  await bundle(EDGE_MODULES, directory);
  const count = (await filesOf(join(directory, 'index.js'))).size;
  if (count > MAX_FILES_OF_INDEX) {
    throw new Error(`index.js loads ${count} files, at most ${MAX_FILES_OF_INDEX} are allowed: see SHARED.`);
  }
}

/** Returns the file and all that it loads at once. */
async function filesOf(file: string, found = new Set<string>()): Promise<Set<string>> {
  found.add(file);
  for (const [, path] of (await readFile(file, 'utf8')).matchAll(/^(?:import |} from )"(\.[^"]+)";$/gm)) {
    const loaded = join(dirname(file), path as string);
    if (!found.has(loaded)) await filesOf(loaded, found);
  }
  return found;
}

async function bundle(entries: readonly string[], directory: string): Promise<void> {
  const { outputFiles, metafile } = await build({
    entryPoints: entries.map((entry) => source + entry),
    outbase: source,
    outdir: directory,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    // In a folder of their own, so that the code finds other files by the same relative paths as in src.
    chunkNames: 'chunks/[name]-[hash]',
    packages: 'external',
    plugins: [BUNDLED, ONE_CHUNK, INDEX_PROGRAM],
    format: 'esm',
    platform: 'node',
    target: TARGET,
    sourcemap: true,
    logLevel: 'warning',
    // That of `ONE_CHUNK`: it is there for where code goes, not to run anything.
    logOverride: { 'ignored-bare-import': 'silent' },
  });
  const programs = Object.entries(metafile.outputs)
    .filter(([, { entryPoint }]) => PROGRAMS.some((program) => entryPoint?.endsWith(program)))
    .map(([file]) => resolve(file));
  for (const { path, text: whole } of outputFiles) {
    const text = path.endsWith('.js') ? toAscii(withoutHelpers(whole, metafile)) : whole;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    if (path.endsWith('.js') && !programs.includes(path)) {
      await writeFile(path.replace(/js$/, 'cjs'), await toCommonJs(text));
    }
  }
}

/** Files import esbuild's helpers even if they use none. The line stays, so that the source map does, too. */
function withoutHelpers(text: string, { outputs }: Metafile): string {
  const helpers = Object.keys(outputs).filter((file) => file.endsWith('.js') && isHelper(outputs[file]!));
  return helpers.reduce((rest, file) => rest.replace(new RegExp(`^import "[^"]*/${basename(file)}";$`, 'm'), ''), text);
}

/**
 * Escapes what esbuild leaves as it is in regular expressions: with a single character outside of Latin-1, V8 keeps the
 * whole file in memory with two bytes for each character. A `String.raw` must not have such characters.
 */
function toAscii(text: string): string {
  return text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function isHelper({ entryPoint, inputs }: Metafile['outputs'][string]): boolean {
  return entryPoint === undefined && Object.keys(inputs).length === 0;
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
