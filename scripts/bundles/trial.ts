/**
 * A trial: an app in an empty folder, with the packed package and exactly these versions of others installed, that is
 * built and run as its users do. It passes if every step exits with 0 and its logs have arrived.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startServer } from 'humanloop-otel/server';
import { readLogs } from '../read-logs.ts';

export interface Trial {
  readonly name: string;
  /** Versions by package; they are part of the report. */
  readonly packages: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  /** Shell commands, run in a row. `node_modules/.bin` is in their path. */
  readonly steps: readonly string[];
  /** How many logs must have arrived after the last step. */
  readonly logs: number;
  /** Texts that the output must have. */
  readonly prints?: readonly string[];
}

export interface TrialResult {
  readonly passed: boolean;
  /** What the failed step printed, or what is missing; else the number of logs. */
  readonly text: string;
  readonly seconds: number;
}

const STEP_MILLIS = 300_000;
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(HUMANLOOP|OTEL|NODE_|VITEST|npm_)/.test(name)),
);
const run = promisify(execFile);

/** `tarball` is what `npm pack` has written. */
export async function runTrial(trial: Trial, tarball: string): Promise<TrialResult> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'humanloop-otel-trial-'));
  const server = await startServer({ port: 0, file: ':memory:' });
  const end = (passed: boolean, text: string): TrialResult => {
    return { passed, text, seconds: Math.round((performance.now() - startedAt) / 1_000) };
  };
  let output = '';
  try {
    await writeApp(folder, trial, tarball);
    for (const step of ['npm install --no-audit --no-fund --loglevel error', ...trial.steps]) {
      const { stdout, stderr } = await runStep(step, folder, server.baseUrl);
      output += stdout + stderr;
    }
    const missing = trial.prints?.filter((text) => !output.includes(text)) ?? [];
    if (missing.length > 0) return end(false, `not printed: ${missing.join(' | ')}\n${output}`);
    const logs = await readLogs(server.baseUrl, new Date(0));
    return logs.length === trial.logs
      ? end(true, `logs: ${logs.length}`)
      : end(false, `logs: ${logs.length}, expected ${trial.logs}\n${output}`);
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    return end(false, `${message}\n${stdout}${stderr}`);
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function writeApp(folder: string, { packages, files }: Trial, tarball: string): Promise<void> {
  const dependencies = { 'humanloop-otel': `file:${tarball}`, '@opentelemetry/api': '1.9.1', ...packages };
  const manifest = JSON.stringify({ name: 'trial', private: true, dependencies });
  for (const [name, text] of Object.entries({ 'package.json': manifest, ...files })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

function runStep(step: string, folder: string, baseUrl: string) {
  const PATH = `${join(folder, 'node_modules', '.bin')}:${process.env['PATH']}`;
  const env = { ...ENVIRONMENT, PATH, HUMANLOOP_BASE_URL: baseUrl, CI: '1', NEXT_TELEMETRY_DISABLED: '1' };
  return run('sh', ['-c', step], { cwd: folder, env, timeout: STEP_MILLIS, maxBuffer: 2 ** 26 });
}
