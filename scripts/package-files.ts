/**
 * Bundles the package's JavaScript: one file for each entry, and chunks for what they share.
 *
 * Apps import it when they start, and a hundred small modules take several times as long as the same code in one file.
 * The same files exist as CommonJS (`.cjs`), and this is what runs in Node: an ES module could leave nothing for later
 * without waiting for it, while CommonJS requires its largest chunk, the readers of spans, when it first needs them. So
 * `import` in Node takes the small modules of `node-modules.ts`; bundlers, by the condition `module`, the ES modules.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { INDEX_PROGRAM } from './index-program.ts';
import { nodeModuleOf, TARGET, toCommonJs } from './node-modules.ts';

const source = fileURLToPath(new URL('../src/', import.meta.url));
const MODULES = ['index.ts', 'server/index.ts', 'register.ts'];
/** Files that nothing requires. */
const PROGRAMS = ['cli.ts', 'register/loader-thread.ts'];
/** Bundled by themselves: never in one process with the others, with which they would share a chunk of a few lines. */
const EDGE_MODULES = ['edge/index.ts', 'edge/register.ts'];
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
  'trace/agent-above.ts',
  'trace/same-call/call-facts.ts',
  'trace/same-call/same-call.ts',
  'transport/http-transport.ts',
  'wire/reference-id.ts',
];
const SHARING = /\/src\/(index|register|cli|server\/index|check\/check|cli\/(?:maintenance|migrate))\.ts$/;
/**
 * Chunks of their own: the readers of spans, which come late, and what they share with code that is loaded at once.
 * Each list is an entry that is not written.
 */
const LATE = 'late';
const LATE_FILE = 'src/conventions/index.ts';
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  [LATE]: SHARED.filter((file) => /^(conventions|datapoint|trace)\//.test(file)),
  early: ['host/keep-shape.ts', 'host/warnings.ts', 'otel/span-slice.ts', 'wire/json.ts', 'wire/reference-id.ts'],
};
const CHUNKS_FOLDER = 'chunks';
/** What `index.js` loads, itself included: the chunks above, and that of the pipeline. */
const MAX_FILES_OF_INDEX = 5;

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

const CHUNKS: Plugin = {
  name: 'chunks',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^group:/ }, ({ path }) => ({ path: path.slice('group:'.length), namespace: 'group' }));
    onLoad({ filter: /./, namespace: 'group' }, ({ path }) => ({
      contents: (GROUPS[path] as readonly string[]).map((file) => `import './${file}';`).join('\n'),
      resolveDir: source,
    }));
    onLoad({ filter: SHARING }, async ({ path }) => {
      const toSource = relative(dirname(path), source) || '.';
      const imports = SHARED.map((file) => `import './${toSource}/${file}';`);
      return { contents: `${await readFile(path, 'utf8')}\n${imports.join('\n')}\n`, loader: 'ts' };
    });
  },
};

export async function writePackageFiles(directory: string): Promise<void> {
  await rm(join(directory, CHUNKS_FOLDER), { recursive: true, force: true });
  await bundle([...MODULES, ...PROGRAMS], Object.keys(GROUPS), directory);
  await bundle(EDGE_MODULES, [], directory);
  const files = await filesOf(join(directory, 'index.js'));
  if (files.size > MAX_FILES_OF_INDEX) {
    throw new Error(`index.js loads ${files.size} files, at most ${MAX_FILES_OF_INDEX} are allowed: see SHARED.`);
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

async function bundle(entries: readonly string[], groups: readonly string[], directory: string): Promise<void> {
  const { outputFiles, metafile } = await build({
    entryPoints: [
      ...entries.map((entry) => ({ in: source + entry, out: entry.replace(/\.ts$/, '') })),
      ...groups.map((group) => ({ in: `group:${group}`, out: `group-${group}` })),
    ],
    outdir: directory,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    // In a folder of their own, so that the code finds other files by the same relative paths as in src.
    chunkNames: `${CHUNKS_FOLDER}/[name]-[hash]`,
    packages: 'external',
    plugins: [BUNDLED, CHUNKS, INDEX_PROGRAM],
    format: 'esm',
    platform: 'node',
    target: TARGET,
    sourcemap: true,
    logLevel: 'warning',
    // That of `CHUNKS`: it is there for where code goes, not to run anything.
    logOverride: { 'ignored-bare-import': 'silent' },
  });
  refuseCircles(metafile);
  const programs = outputsOf(metafile, (entry) => PROGRAMS.some((program) => entry.endsWith(program)));
  const unwritten = outputsOf(metafile, (entry) => entry.startsWith('group:'));
  const late = lateChunkOf(metafile);
  for (const [file, { entryPoint, exports }] of late ? Object.entries(metafile.outputs) : []) {
    if (!entryPoint || !MODULES.some((module) => entryPoint.endsWith(`src/${module}`))) continue;
    const path = resolve(file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path.replace(/js$/, 'mjs'), nodeModuleOf(`./${basename(path, '.js')}.cjs`, exports));
  }
  for (const { path, text: whole } of outputFiles) {
    if (unwritten.includes(path.replace(/\.map$/, ''))) continue;
    const text = path.endsWith('.js') ? toAscii(withoutHelpers(whole, metafile)) : whole;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    if (path.endsWith('.js') && !programs.includes(path)) {
      const maps = outputFiles.find((file) => file.path === `${path}.map`)?.text ?? '';
      const { code, map } = await toCommonJs(text, maps, { isChunk: isChunk(path), late });
      const file = path.replace(/js$/, 'cjs');
      await writeFile(`${file}.map`, map);
      await writeFile(file, `${code}//# sourceMappingURL=${basename(file)}.map\n`);
    }
  }
}

const isChunk = (path: string): boolean => basename(dirname(path)) === CHUNKS_FOLDER;

/** Each chunk exports its names at its end. */
function refuseCircles({ outputs }: Metafile): void {
  const visit = (file: string, above: readonly string[]): void => {
    if (above.includes(file)) throw new Error(`chunks in a circle: ${[...above, file].join(' > ')}`);
    for (const { path, kind } of outputs[file]?.imports ?? []) {
      if (kind === 'import-statement') visit(path, [...above, file]);
    }
  };
  for (const file of Object.keys(outputs)) visit(file, []);
}

/** Returns the absolute paths of the files of these entries. */
function outputsOf({ outputs }: Metafile, isMeant: (entry: string) => boolean): readonly string[] {
  return Object.entries(outputs).flatMap(([file, { entryPoint }]) =>
    entryPoint !== undefined && isMeant(entryPoint) ? [resolve(file)] : [],
  );
}

/** Returns the name, without extension, of the chunk with the readers of spans; undefined if there is none. */
function lateChunkOf({ outputs }: Metafile): string | undefined {
  const [file] =
    Object.entries(outputs).find(([, { inputs }]) =>
      Object.entries(inputs).some(([input, { bytesInOutput }]) => bytesInOutput > 0 && input.endsWith(LATE_FILE)),
    ) ?? [];
  return file && basename(file, '.js');
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
