/** Starts the producer in its own process. It is bundled once, so that a process starts in a third of the time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { INDEX_PROGRAM } from '../../../scripts/index-program.ts';
import type { Plan } from './producer.ts';

const BUNDLES = resolve('node_modules/.cache/humanloop-otel-test');

const bundles = new Map<string, Promise<string>>();

/** The bundle is inside `node_modules`, so that it finds the packages that it needs. */
export function bundled(entry: string): Promise<string> {
  const known = bundles.get(entry);
  if (known) return known;
  mkdirSync(BUNDLES, { recursive: true });
  const outfile = join(BUNDLES, `${process.pid}-${bundles.size}.mjs`);
  process.once('exit', () => rmSync(outfile, { force: true }));
  const options = { bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external' } as const;
  const bundle = build({
    ...options,
    entryPoints: [entry],
    outfile,
    plugins: [INDEX_PROGRAM],
    logLevel: 'silent',
  }).then(() => outfile);
  bundles.set(entry, bundle);
  return bundle;
}

/** Returns the plan of a short run with a spool in the directory, and pauses that are short enough for tests. */
export function planIn(
  directory: string,
  baseUrl: string,
  plan: Partial<Plan> & Pick<Plan, 'seed' | 'diary' | 'traces' | 'openShare' | 'ending'>,
): Plan {
  return {
    maxPauseMillis: 5,
    poisonShare: 0,
    ...plan,
    diary: join(directory, plan.diary),
    options: {
      baseUrl,
      spool: { directory: join(directory, 'spool'), fsyncMillis: 20 },
      retry: { minDelayMillis: 5, maxDelayMillis: 50 },
      timeoutMillis: 500,
      ...plan.options,
    },
  };
}

export interface Producer {
  readonly child: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Everything that it has printed, on both streams. */
  output: string;
  /** Resolves when it prints this line. */
  says(line: 'ready' | 'traced' | 'done'): Promise<void>;
}

export async function startProducer(plan: Plan): Promise<Producer> {
  return startScript(await bundled('test/support/producer/producer.ts'), { PLAN: JSON.stringify(plan) });
}

export function startScript(
  file: string,
  env: Record<string, string>,
  nodeArguments: readonly string[] = [],
): Producer {
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', ...nodeArguments, file], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const producer: Producer = {
    child,
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
    output: '',
    says: (line) =>
      new Promise((said) => {
        const look = () => {
          if (`\n${producer.output}`.includes(`\n${line}\n`)) said();
        };
        look();
        child.stdout?.on('data', () => setImmediate(look));
        child.on('close', () => said());
      }),
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      producer.output += text;
    });
  }
  return producer;
}
