/** Runs one example in a process of its own, with a model to talk to and a server to log to. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type ScriptedModel, startScriptedModel } from '../examples/scripted-model/server.ts';
import { readLogs } from './read-logs.ts';
import { formatLegend, formatSessions } from './session-tree.ts';

/** Logs count as new if they started up to this long before the run: the server's clock may be behind. */
const CLOCK_SLACK_MILLIS = 5;

export interface Model {
  /** One line to print. */
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  close(): void;
}

/** Uses the model of `OPENAI_API_KEY` and `OPENAI_BASE_URL`, or starts the scripted one. */
export async function openModel(): Promise<Model> {
  if (process.env['OPENAI_API_KEY']) {
    const name = process.env['OPENAI_MODEL'] ?? 'gpt-4o-mini';
    const where = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1';
    return { description: `${name} at ${where}`, environment: {}, close: () => {} };
  }
  const model: ScriptedModel = await startScriptedModel();
  return {
    description: 'scripted answers (set OPENAI_API_KEY, and OPENAI_BASE_URL if needed, to use a real model)',
    environment: { OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: model.baseUrl },
    close: () => model.close(),
  };
}

/** Modules that Node loads before an example, for examples whose telemetry is a file of its own. */
const PRELOADED: Readonly<Record<string, string>> = {
  app: new URL('../examples/app/telemetry.ts', import.meta.url).href,
  register: 'humanloop-otel/register',
};

const FOLDERS = new Set(['app', 'languages']);

/** Returns the arguments for Node that run an example from the root of the repository. */
export function exampleArguments(name: string): string[] {
  const preloaded = PRELOADED[name];
  const file = FOLDERS.has(name) ? `${name}/main.ts` : `${name}.ts`;
  const path = fileURLToPath(new URL(`../examples/${file}`, import.meta.url));
  return ['--import', 'tsx', ...(preloaded ? ['--import', preloaded] : []), path];
}

/** Runs an example with its output on this terminal. Resolves to its exit code. */
export async function runExample(name: string, baseUrl: string, model: Model): Promise<number> {
  const child = spawn(process.execPath, exampleArguments(name), {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: { ...process.env, ...model.environment, HUMANLOOP_BASE_URL: baseUrl },
  });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

/** Prints the sessions with logs since `since`. */
export async function printSessions(baseUrl: string, since: Date): Promise<void> {
  const logs = await readLogs(baseUrl, new Date(since.getTime() - CLOCK_SLACK_MILLIS));
  const { isTTY, columns = 120 } = process.stdout;
  const color = isTTY && !process.env['NO_COLOR'];
  console.log(`${formatSessions(logs, { width: columns, color })}\n\n${formatLegend(logs)}`);
}
