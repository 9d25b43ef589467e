/**
 * Loads modules at the moment when they are needed, synchronously, from ES modules, CommonJS and bundles alike. In a
 * bundle there may be no `import.meta` and no `require`, and a name that a bundler sees it tries to resolve. The name
 * `createRequire` is not imported either: many bundles have it, for their own `require`, above the bundled code.
 */

/** Returns the built-in module, or undefined if this runtime does not have it. `name` starts with `node:`. */
export function loadBuiltin(name: string): object | undefined {
  return process.getBuiltinModule(name);
}

/**
 * Loads an installed package.
 *
 * @throws the error of loading it where it was found; else that it was not found.
 */
export function loadInstalled(name: string): unknown {
  const { require, file } = findInstalled(name);
  return require(file);
}

/** Returns the absolute path to which `name` resolves. @throws if it is not installed. */
export function resolveInstalled(name: string): string {
  return findInstalled(name).file;
}

/**
 * Looks beside this file first, then, since a bundle can be anywhere and strict package managers show each package only
 * its own dependencies, beside the app's main script and in its working directory.
 */
function findInstalled(name: string): { require: NodeJS.Require; file: string } {
  const { createRequire } = process.getBuiltinModule('node:module');
  let notFound: unknown;
  for (const place of places()) {
    try {
      const require = createRequire(place);
      return { require, file: require.resolve(name) };
    } catch (error) {
      notFound ??= error;
    }
  }
  throw notFound ?? new Error(`Cannot find module '${name}'`);
}

/** Absolute paths of files, which need not exist. */
function* places(): Generator<string> {
  if (import.meta.filename) yield import.meta.filename;
  if (process.argv[1]) yield process.argv[1];
  yield `${process.cwd()}/app.js`;
}
