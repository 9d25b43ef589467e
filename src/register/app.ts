/** The app that is being started, and the packages that are installed for it. */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { appDirectories, findPackageJson, type PackageJson, readPackageJson } from '../host/app-package.ts';

/** Programs of Node that start the app in another process, which inherits `NODE_OPTIONS` from them. */
const PACKAGE_MANAGERS = /^(npm|npx|pnpm|pnpx|yarn|corepack)(-cli)?(\.[cm]?js)?$/;
const LAUNCHERS =
  /[\\/]node_modules[\\/](tsx[\\/]dist[\\/]cli\.[cm]js|(.*[\\/])?(tsx|nodemon|node-dev|ts-node-dev|tsnd|pm2|forever|nf|cross-env(-shell)?|env-cmd|dotenvx?|concurrently|npm-run-all2?|run-[sp]|lerna|nx)(\.[cm]?js)?)$/;
const DEPENDENCIES = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Resolves as the package itself does. */
  readonly require: NodeJS.Require;
  /** Loads the package. */
  readonly load: () => Record<string, unknown>;
}

export class App {
  readonly #requires: readonly NodeJS.Require[];
  readonly #packageJson: PackageJson | undefined;
  /** The process only starts the app. */
  readonly isLauncher: boolean;

  /** @param mainScript as in `process.argv[1]`, which a REPL or `--eval` does not have. */
  constructor(mainScript: string | undefined, workingDirectory: string) {
    const directories = appDirectories(mainScript, workingDirectory);
    this.#requires = directories.map((directory) => createRequire(join(directory, 'app.js')));
    this.#packageJson = directories.map(findPackageJson).find(Boolean);
    this.isLauncher =
      mainScript !== undefined && (PACKAGE_MANAGERS.test(basename(mainScript)) || LAUNCHERS.test(mainScript));
  }

  /** Returns true if the app's package.json lists the package, so that its own code probably uses it. */
  dependsOn(name: string | RegExp): boolean {
    const isSought = (listed: string) => (typeof name === 'string' ? listed === name : name.test(listed));
    return DEPENDENCIES.some((field) => Object.keys(this.#packageJson?.[field] ?? {}).some(isSought));
  }

  /**
   * Returns a package that the app can load. The search starts at the app, since strict package managers hide its
   * packages from this one.
   */
  find(name: string): InstalledPackage | undefined {
    for (const from of this.#requires) {
      const found = findFrom(from, name);
      if (found) return found;
    }
    return undefined;
  }
}

/** Returns the package that `from` sees by this name. */
export function findFrom(from: NodeJS.Require, name: string): InstalledPackage | undefined {
  for (const root of placesOf(name, from)) {
    const packageJson = readPackageJson(root);
    if (!packageJson) continue;
    const version = typeof packageJson.version === 'string' ? packageJson.version : '0.0.0';
    // Some package managers link packages, whose dependencies are beside the original.
    const ownRequire = createRequire(join(realpathSync(root), 'package.json'));
    return { name, version, require: ownRequire, load: () => from(name) };
  }
  return undefined;
}

function placesOf(name: string, from: NodeJS.Require): string[] {
  const places = (from.resolve.paths(name) ?? []).map((directory) => join(directory, name));
  return process.versions['pnp'] ? [...placesInPnp(name, from), ...places] : places;
}

interface PnpApi {
  /** @throws if the issuer's package does not depend on the other. */
  resolveToUnqualified(name: string, issuer: string): string | null;
}

/** Yarn's Plug'n'Play has packages in archives, and tells only by its own functions where they are. */
function placesInPnp(name: string, from: NodeJS.Require): string[] {
  try {
    const issuer = join(from.resolve.paths('./')?.[0] ?? '', 'package.json');
    return [(from('pnpapi') as PnpApi).resolveToUnqualified(name, issuer) ?? []].flat();
  } catch {
    return [];
  }
}
