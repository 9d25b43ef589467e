/**
 * The app's own package.json. It says what the app is called, and which packages its code uses.
 *
 * Node's modules are loaded when they are first needed, since this file is part of what a bundle for other runtimes has.
 */
import { isObject, parseJson } from '../wire/json.ts';

export interface PackageJson {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly [field: string]: unknown;
}

/** PM2's program that runs the app in its own process, after what `--import` names. */
const CONTAINER = /[\\/]pm2[\\/]lib[\\/]ProcessContainer\w*\.js$/;

/** Returns the app's main script, which a REPL or `--eval` does not have. */
export function mainScript(): string | undefined {
  const script = process.argv[1];
  return script && CONTAINER.test(script) ? (scriptInContainer(process.env) ?? script) : script;
}

/** A process of its own has a variable for it, one in a cluster has all of its settings in one. */
function scriptInContainer({ pm_exec_path: path, pm2_env: settings = '' }: NodeJS.ProcessEnv): string | undefined {
  const set = path ?? (parseJson(settings) as { pm_exec_path?: unknown } | undefined)?.pm_exec_path;
  return typeof set === 'string' ? set : undefined;
}

/**
 * Returns the directories where the app may be, the best first: that of the main script, unless this is an installed
 * program that runs the app, and the working directory.
 */
export function appDirectories(script: string | undefined, workingDirectory: string): string[] {
  const path = process.getBuiltinModule('node:path');
  if (!script || /[\\/]node_modules[\\/]/.test(script)) return [workingDirectory];
  return [...new Set([path.dirname(path.resolve(workingDirectory, script)), workingDirectory])];
}

/** Returns the nearest package.json with a name, in the directory or above it. */
export function findPackageJson(directory: string): PackageJson | undefined {
  const { dirname } = process.getBuiltinModule('node:path');
  for (let from = directory; ; from = dirname(from)) {
    const found = readPackageJson(from);
    // A package.json without a name only says how the files of a folder are loaded.
    if (typeof found?.name === 'string' && found.name) return found;
    if (from === dirname(from)) return undefined;
  }
}

export function readPackageJson(directory: string): PackageJson | undefined {
  try {
    const file = process.getBuiltinModule('node:path').join(directory, 'package.json');
    const parsed = parseJson(process.getBuiltinModule('node:fs').readFileSync(file, 'utf8'));
    return isObject(parsed) ? (parsed as PackageJson) : undefined;
  } catch {
    return undefined;
  }
}

let name: string | undefined | null = null;

/** Returns the name of the app's package, if it has one. It is looked for once. */
export function nameOfApp(): string | undefined {
  if (name === null) name = findName();
  return name;
}

function findName(): string | undefined {
  try {
    for (const directory of appDirectories(mainScript(), process.cwd())) {
      const found = findPackageJson(directory)?.name;
      if (found !== undefined) return found as string;
    }
  } catch {
    // A runtime without files.
  }
  return undefined;
}
