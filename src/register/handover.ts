/**
 * Appends a line to the entry modules of watched packages, by which they hand over their exports when they are loaded.
 *
 * This works for `import` and `require`, for every copy of a package, and where an instrumentation's own hook does not
 * see a module. No export is replaced, so nothing but the line itself can fail.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Names of packages → the entry that is watched, as package.json names it. */
export type Watched = Readonly<Record<string, string>>;

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

/** Returns the module with its handover, or as it is if it is no ES module or not watched. */
export function addToModule<Loaded extends LoadedModule>(url: string, loaded: Loaded, watched: Watched): Loaded {
  if (loaded.format !== 'module' || loaded.source == null) return loaded;
  if (!url.startsWith('file:') || !url.includes('/node_modules/')) return loaded;
  const path = fileURLToPath(url);
  const name = nameOfEntry(path, watched);
  if (!name) return loaded;
  const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
  const handover =
    `\n;import * as ${MARK} from ${JSON.stringify(url)};${telemetryByDefault(name, source)}` +
    `${HANDED_OVER}?.(${JSON.stringify(name)}, ${MARK});\n`;
  return { ...loaded, source: source + handover };
}

/** The same for the source of a CommonJS module. */
export function addToScript(path: string, source: string, watched: Watched): string {
  if (!path.includes('node_modules')) return source;
  const name = nameOfEntry(path, watched);
  if (!name) return source;
  return `${source}\n;${telemetryByDefault(name, source)}${HANDED_OVER}?.(${JSON.stringify(name)}, module.exports);\n`;
}

function nameOfEntry(path: string, watched: Watched): string | undefined {
  const [, directory, rawName, file] = IN_PACKAGE.exec(path) ?? [];
  const name = rawName?.replaceAll('\\', '/');
  if (!directory || !name || !file || !Object.hasOwn(watched, name)) return undefined;
  const files = entryFiles.get(directory) ?? readEntryFiles(directory, watched[name] as string);
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
  return files;
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
