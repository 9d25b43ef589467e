/** Installs one set-up in a folder of its own, and runs its app against a server of its own. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { readLogs } from '../read-logs.ts';
import { FORMATS, type Format, type Setup } from './setup.ts';
import { formatSession, groupBySession } from './tree.ts';

const APPS = fileURLToPath(new URL('./apps/', import.meta.url));
const SECONDS = 60;
const REGISTER = 'humanloop-otel/register';
/** The AWS SDK announces on old versions of Node that it will stop to support them. */
const AWS_NOTICE = /\(node:\d+\) Warning: NodeVersionSupportWarning[\s\S]*?\(Use `node --trace-warnings[^\n]*/g;
/** The environment without keys, addresses and settings of the person who runs this. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(OPENAI|ANTHROPIC|HUMANLOOP|OTEL|NODE_|AWS|TSX|SENTRY|LANGFUSE|npm_)/i.test(name),
  ),
);

export interface Workplace {
  /** Folders of the rows and of the Node versions. They are kept, so that the next run is faster. */
  readonly directory: string;
  readonly tarball: string;
  readonly providerUrl: string;
}

export interface RunResult {
  readonly isExpected: boolean;
  readonly sessions: readonly string[];
  readonly code: number | null;
  readonly stderr: string;
}

/** Returns the path of a Node executable of this major version. */
export async function installNode(version: number, { directory }: Workplace): Promise<string> {
  if (process.versions.node.startsWith(`${version}.`)) return process.execPath;
  const folder = join(directory, `node-${version}`);
  await install(folder, [`node@${version}`], true);
  return join(folder, 'node_modules', 'node', 'bin', 'node');
}

/** Returns the folder of the row. */
export async function installSetup(setup: Setup, { directory, tarball }: Workplace): Promise<string> {
  const folder = join(directory, setup.name.replace(/[^\w.]+/g, '-'));
  await install(folder, [...setup.uses, ...setup.install], false);
  // The tarball alone is installed again each time: it is what is being tested.
  const target = join(folder, 'node_modules', 'humanloop-otel');
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'], folder);
  for (const format of setup.formats ?? FORMATS) {
    await compile(`${setup.app}.mjs`, join(folder, fileOf('app', format)), format);
    if (setup.tracing) await compile(`tracing/${setup.tracing}.mjs`, join(folder, fileOf('tracing', format)), format);
  }
  return folder;
}

/** Runs `npm install`, unless the folder has been installed with the same packages before. */
async function install(folder: string, packages: readonly string[], withScripts: boolean): Promise<void> {
  const list = [...packages, ...(withScripts ? [] : ['undici@7', 'zod-of-humanloop@npm:zod@4'])];
  const stamp = join(folder, 'installed');
  const hash = createHash('sha256').update(list.join(' ')).digest('hex');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === hash) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'set-up', private: true }));
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', ...(withScripts ? [] : ['--ignore-scripts'])];
  await run('npm', ['install', ...flags, ...list], folder);
  await writeFile(stamp, hash);
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  await promisify(execFile)(command, args, { cwd, env: ENVIRONMENT, maxBuffer: 1e8 });
}

const fileOf = (name: 'app' | 'tracing', format: Format) => `${name}.${format === 'esm' ? 'mjs' : 'cjs'}`;

async function compile(source: string, outfile: string, format: Format): Promise<void> {
  await build({
    entryPoints: [join(APPS, source)],
    outfile,
    bundle: true,
    packages: 'external',
    format,
    platform: 'node',
    logLevel: 'silent',
    ...(format === 'cjs' && {
      define: { 'import.meta.url': 'fileUrl' },
      banner: { js: "const fileUrl = require('node:url').pathToFileURL(__filename).href;" },
    }),
  });
}

/** The arguments with which a user loads the tracing code. */
function preload({ tracing }: Setup, format: Format): string[] {
  if (!tracing) return ['--import', REGISTER];
  return [format === 'esm' ? '--import' : '--require', `./${fileOf('tracing', format)}`];
}

/** @param baseUrl the v4 API of a server that has no logs yet. */
export async function runSetup(
  setup: Setup,
  run: { folder: string; node: string; format: Format; baseUrl: string; providerUrl: string },
): Promise<RunResult> {
  const { folder, node, format, baseUrl, providerUrl } = run;
  const { nodeArgs = preload(setup, format) } = setup;
  const child = spawn(node, [...nodeArgs, fileOf('app', format)], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: SECONDS * 1000,
    env: {
      ...ENVIRONMENT,
      HUMANLOOP_BASE_URL: baseUrl,
      PROVIDER_URL: providerUrl,
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: `${providerUrl}/v1`,
      ANTHROPIC_API_KEY: 'none',
      ANTHROPIC_BASE_URL: providerUrl,
      OPENAI_AGENTS_DISABLE_TRACING: '0',
      SENTRY_DSN: `${providerUrl.replace('://', '://key@')}/1`,
      LANGFUSE_BASE_URL: providerUrl,
      LANGFUSE_PUBLIC_KEY: 'none',
      LANGFUSE_SECRET_KEY: 'none',
      ...setup.env,
    },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const sessions = groupBySession(await readLogs(baseUrl, new Date(0))).map(formatSession);
  return { isExpected: isExpected(setup, sessions, code, stderr), sessions, code, stderr };
}

function isExpected(setup: Setup, sessions: readonly string[], code: number | null, stderr: string): boolean {
  const isZeroCode = setup.nodeArgs?.includes(REGISTER) ?? !setup.tracing;
  const lines = stderr.replaceAll(AWS_NOTICE, '').trim().split('\n').filter(Boolean);
  // In code, the SDK and the instrumentations have their own lines there.
  const isQuiet = isZeroCode ? lines.length === 1 : !stderr.includes('humanloop-otel:');
  const saysWell = setup.says ? lines.at(-1)?.includes(setup.says) : isQuiet;
  return code === 0 && Boolean(saysWell) && [...sessions].sort().join() === [...setup.expects].sort().join();
}
