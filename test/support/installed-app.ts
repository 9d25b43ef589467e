/**
 * An app in its own directory, in which the built package and the packages that the app names are installed. It runs in
 * its own process, so that a test sees what is loaded, printed and left open.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { inject, onTestFinished } from 'vitest';

const NEEDED = ['undici', 'zod'];
/** The environment without keys, addresses and settings of the person who runs the tests. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(OPENAI|HUMANLOOP|OTEL|NODE|VITEST)/.test(name)),
);

export interface AppOptions {
  readonly packages?: readonly string[];
  /** The `node_modules` that has these packages. Default: that of the repository. */
  readonly nodeModules?: string;
  /** Programs of this repository, by file name. Each is bundled into one JavaScript file of this name. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Contents of other files, by path in the app. */
  readonly files?: Readonly<Record<string, string>>;
  /** Adds the package's type declarations, for an app that is compiled. */
  readonly isTyped?: boolean;
}

/** Resolves to the app's directory, which is removed when the test ends. */
export async function createApp(options: AppOptions): Promise<string> {
  const { packages = [], nodeModules = 'node_modules', programs = {}, files = {}, isTyped = false } = options;
  const directory = await mkdtemp(join(tmpdir(), 'humanloop-otel-app-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const installed = join(directory, 'node_modules');
  await cp(inject('builtPackage'), join(installed, 'humanloop-otel'), { recursive: true });
  if (isTyped) await writeTypes(join(installed, 'humanloop-otel'));
  const links = [
    ...NEEDED.map((name) => [name, 'node_modules'] as const),
    ...['@opentelemetry/api', ...packages].map((name) => [name, nodeModules] as const),
  ];
  for (const [name, from] of links) {
    await mkdir(dirname(join(installed, name)), { recursive: true });
    await symlink(resolve(from, name), join(installed, name));
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  for (const [name, source] of Object.entries(programs)) await compile(source, join(directory, name));
  return directory;
}

async function writeTypes(directory: string): Promise<void> {
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(directory, 'dist')];
  await promisify(execFile)(process.execPath, args);
}

/** Keeps packages as imports, including this one: the installed package runs, not the sources that tsconfig.json names. */
async function compile(source: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [resolve(source)],
    outfile,
    bundle: true,
    packages: 'external',
    format: outfile.endsWith('.cjs') ? 'cjs' : 'esm',
    platform: 'node',
    target: 'node20',
    tsconfigRaw: '{}',
    logLevel: 'silent',
  });
}

export interface RunOptions {
  /** Default: the app's directory. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Path of the Node executable. Default: this one. */
  readonly node?: string;
}

export interface AppResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type App = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts `node ...args` in the app's directory. The process is killed when the test ends. */
export function startApp(directory: string, args: readonly string[], options: RunOptions = {}): App {
  const child = spawn(options.node ?? process.execPath, args, {
    cwd: options.cwd ?? directory,
    env: { ...ENVIRONMENT, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs `node ...args` in the app's directory until it ends. */
export async function runApp(directory: string, args: readonly string[], options: RunOptions = {}): Promise<AppResult> {
  const child = startApp(directory, args, options);
  child.stdin.end();
  return resultOf(child);
}

/** Resolves, when the app ends, to what it has printed since the call. */
export async function resultOf(child: App): Promise<AppResult> {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...output };
}
