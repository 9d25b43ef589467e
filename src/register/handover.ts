/**
 * Appends a line to the entry modules of watched packages, by which they hand over their exports when they are loaded.
 *
 * This works for `import` and `require`, for every copy of a package, and where an instrumentation's own hook does not
 * see a module. No export is replaced, so nothing but the line itself can fail.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface WatchedPackage {
  /** As package.json names it. */
  readonly entry: string;
  /** Exported classes that may be replaced by others. */
  readonly replaced: readonly string[];
}

/** The packages by name. */
export type Watched = Readonly<Record<string, WatchedPackage>>;

/** A package at the end of a path, whatever directories above it are called. */
const IN_PACKAGE = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/](.+)$/;
/** Functions of the AI SDK that accept the option `experimental_telemetry`. */
const AI_SDK_FUNCTIONS = [
  'generateText',
  'streamText',
  'generateObject',
  'streamObject',
  'embed',
  'embedMany',
  'rerank',
];
const HANDED_OVER = `globalThis[Symbol.for('humanloop-otel.loaded')]`;
const WITH_TELEMETRY = `globalThis[Symbol.for('humanloop-otel.telemetry')]`;
const MARK = 'humanloopOtelExports';

/** Files of an entry, by directory of the package. */
const entryFiles = new Map<string, ReadonlySet<string>>();

/** What a `load` hook returns. */
export interface LoadedModule {
  readonly format?: string | null | undefined;
  readonly source?: string | ArrayBuffer | NodeJS.TypedArray | null | undefined;
}

/**
 * Returns the module with its handover, or as it is if it is not watched.
 *
 * @param withScripts whether CommonJS modules that are imported get theirs here, since Node does not compile them as
 * those that are required.
 */
export function addToModule<Loaded extends LoadedModule>(
  url: string,
  loaded: Loaded,
  watched: Watched,
  withScripts = false,
): Loaded {
  const isScript = loaded.format === 'commonjs' && withScripts;
  if ((loaded.format !== 'module' && !isScript) || loaded.source == null) return loaded;
  if (!url.startsWith('file:') || !url.includes('/node_modules/')) return loaded;
  const path = pathOf(url);
  const name = path && nameOfEntry(path, watched);
  if (!path || !name) return loaded;
  const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
  if (isScript) return { ...loaded, source: addToScript(path, source, 'commonjs', watched) };
  return { ...loaded, source: source + handoverOfModule(name, url, source, watched) };
}

/** Undefined if the URL has what no path can have. */
function pathOf(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}

/**
 * The same for a source that Node compiles for `require`.
 *
 * @param format `module` if an ES module is required; its load hook may have been here before.
 */
export function addToScript(path: string, source: string, format: unknown, watched: Watched): string {
  if (!path.includes('node_modules') || source.includes(MARK)) return source;
  const name = nameOfEntry(path, watched);
  if (!name) return source;
  // Node 20 says `true`.
  if (format === 'module' || format === true) {
    return source + handoverOfModule(name, pathToFileURL(path).href, source, watched);
  }
  // Without a format, Node may find out later that this is an ES module.
  const handOver = `if (typeof module === 'object') ${HANDED_OVER}?.(${JSON.stringify(name)}, module.exports);`;
  return `${source}\n;${telemetryByDefault(name, source)}${handOver} // ${MARK}\n`;
}

/** Exports of an ES module cannot be replaced from outside, so a copy is handed over, and read again. */
function handoverOfModule(name: string, url: string, source: string, watched: Watched): string {
  const declared = watched[name]?.replaced.filter((name) => new RegExp(`^class ${name}\\b`, 'm').test(source)) ?? [];
  const handOver = (exports: string) => `${HANDED_OVER}?.(${JSON.stringify(name)}, ${exports});`;
  const copy = `${MARK}Copy`;
  return (
    `\n;import * as ${MARK} from ${JSON.stringify(url)};${telemetryByDefault(name, source)}` +
    (declared.length === 0
      ? handOver(MARK)
      : `const ${copy} = { ...${MARK} };${handOver(copy)}${declared.map((name) => `${name} = ${copy}.${name};`).join('')}`) +
    '\n'
  );
}

function nameOfEntry(path: string, watched: Watched): string | undefined {
  const [, directory, rawName, file] = IN_PACKAGE.exec(path) ?? [];
  const name = rawName?.replaceAll('\\', '/');
  if (!directory || !name || !file || !Object.hasOwn(watched, name)) return undefined;
  const files = entryFiles.get(directory) ?? readEntryFiles(directory, watched[name]?.entry ?? '.');
  entryFiles.set(directory, files);
  return files.has(file.replaceAll('\\', '/')) ? name : undefined;
}

function readEntryFiles(directory: string, entry: string): ReadonlySet<string> {
  const files = new Set<string>();
  try {
    const { exports, main, module } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    if (entry === '.') for (const file of [main ?? 'index.js', module]) addFiles(file, files);
    addFiles(exports?.[entry] ?? (entry === '.' && !exports?.['.'] ? exports : undefined), files);
  } catch {
    // A package that cannot be read is not watched.
  }
  return new Set([...files].map((file) => targetOf(directory, file)));
}

/** An entry that only passes on the exports of another file. The package's own files load that one. */
const PASSES_ON = /^\s*(?:export \* from|module\.exports = require\()\s*['"](\.[^'"]+)['"]\)?;?\s*$/;

function targetOf(directory: string, file: string): string {
  try {
    const [, target] = PASSES_ON.exec(readFileSync(join(directory, file), 'utf8')) ?? [];
    return target ? posix.join(posix.dirname(file), target) : file;
  } catch {
    return file;
  }
}

/** Adds all files that a part of `exports` names, whatever their conditions are. */
function addFiles(target: unknown, files: Set<string>): void {
  if (typeof target === 'string') {
    const file = posix.normalize(target);
    files.add(file);
    if (!/\.[cm]?js$/.test(file)) files.add(`${file}.js`).add(posix.join(file, 'index.js'));
  } else if (typeof target === 'object' && target !== null) {
    for (const part of Object.values(target)) addFiles(part, files);
  }
}

/**
 * Versions 5 and 6 of the AI SDK create spans only for calls that ask for them. A function that is declared by its
 * public name can be replaced from within its module, which the exports and the SDK's own calls then follow.
 */
function telemetryByDefault(name: string, source: string): string {
  if (name !== 'ai' || !source.includes('experimental_telemetry') || source.includes('registerTelemetry(')) return '';
  const declared = AI_SDK_FUNCTIONS.filter((name) => new RegExp(`^(async )?function ${name}\\(`, 'm').test(source));
  return declared.map((name) => `${name} = ${WITH_TELEMETRY}?.(${name}) ?? ${name};`).join('');
}
