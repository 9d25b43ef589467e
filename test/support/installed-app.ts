/**
 * An app in a directory of its own, with this package installed as built and with the packages that it names. It runs
 * in a process of its own, so that what is loaded, printed and left open can be seen.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { writePackageFiles } from '../../scripts/package-files.ts';

const NEEDED = ['undici', 'zod'];
/** No key, address or setting of the person who runs the tests. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(OPENAI|HUMANLOOP|OTEL|NODE|VITEST)/.test(name)),
);

export interface AppResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMillis: number;
}

export interface AppOptions {
  readonly packages?: readonly string[];
  /** Where these are installed. Default: the root's. */
  readonly nodeModules?: string;
  readonly files: Readonly<Record<string, string>>;
  /** With the package's type declarations, for an app that is compiled. */
  readonly isTyped?: boolean;
}

let built: Promise<string> | undefined;

/** Builds the package's code once for each test file. Types are checked elsewhere. */
function build(): Promise<string> {
  built ??= (async () => {
    const directory = await mkdtemp(join(tmpdir(), 'humanloop-otel-built-'));
    process.once('exit', () => void rm(directory, { recursive: true, force: true }));
    await writePackageFiles(join(directory, 'dist'));
    await cp('package.json', join(directory, 'package.json'));
    return directory;
  })();
  return built;
}

async function writeTypes(directory: string): Promise<void> {
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(directory, 'dist')];
  await promisify(execFile)(process.execPath, args);
}

/** Resolves to the app's directory, which is removed when the test ends. */
export async function createApp(options: AppOptions): Promise<string> {
  const { packages = [], nodeModules = 'node_modules', files, isTyped = false } = options;
  const directory = await mkdtemp(join(tmpdir(), 'humanloop-otel-app-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const installed = join(directory, 'node_modules');
  await cp(await build(), join(installed, 'humanloop-otel'), { recursive: true });
  if (isTyped) await writeTypes(join(installed, 'humanloop-otel'));
  const links = [
    ...NEEDED.map((name) => [name, 'node_modules'] as const),
    ...['@opentelemetry/api', ...packages].map((name) => [name, nodeModules] as const),
  ];
  for (const [name, from] of links) {
    await mkdir(dirname(join(installed, name)), { recursive: true });
    await symlink(resolve(from, name), join(installed, name));
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Path of the Node executable. Default: this one. */
  readonly node?: string;
}

/** Runs `node ...args` in the app's directory to its end. An app that hangs is killed with the test. */
export async function runApp(directory: string, args: readonly string[], options: RunOptions = {}): Promise<AppResult> {
  const startedAtMillis = performance.now();
  const child: ChildProcess = spawn(options.node ?? process.execPath, args, {
    cwd: directory,
    env: { ...ENVIRONMENT, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...output, elapsedMillis: performance.now() - startedAtMillis };
}
