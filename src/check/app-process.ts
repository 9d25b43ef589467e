/** The command that `check` runs: with which preloads, and how it ended. */

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Preloads that only load TypeScript or variables, and set up no tracing. */
const LOADERS = /^(tsx|ts-node|@swc-node|@swc\/register|esbuild-register|@esbuild-kit|dotenv|source-map-support)/;
const PRELOAD = /^(?:--import|--require|-r|--loader|--experimental-loader)$/;
const SCRIPT = /\.[cm]?[jt]sx?$/;
/** How long the process may take to end after SIGTERM. */
const TERMINATION_MILLIS = 5_000;

export interface AppProcess {
  /** How it ended; undefined while it runs. */
  readonly outcome: { readonly code: number | null; readonly error?: Error } | undefined;
  stop(): Promise<void>;
}

/** Returns true if the command preloads something that may set up tracing. */
export function hasOwnSetUp(command: readonly string[], nodeOptions = ''): boolean {
  const words = [...nodeOptions.split(/\s+/), ...command].flatMap((word) => word.split(/^(--[\w-]+)=/).filter(Boolean));
  return words.some((word, index) => PRELOAD.test(word) && !LOADERS.test(words[index + 1] ?? ''));
}

/** Returns the script among the words of the command. */
export function scriptOf(command: readonly string[]): string | undefined {
  return command.slice(1).find((word) => SCRIPT.test(word) && !word.startsWith('-'));
}

/** Starts the command with the terminal of this process. */
export function startApp(command: readonly string[], registers: boolean): AppProcess {
  // In the package, this file is in a chunk beside which `register.js` is at the same relative path.
  const register = pathToFileURL(join(dirname(import.meta.filename), '../register.js')).href;
  const { NODE_OPTIONS: given = '', ...env } = process.env;
  const nodeOptions = registers ? `${given} --import ${register}`.trim() : given;
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...env, ...(nodeOptions && { NODE_OPTIONS: nodeOptions }) },
  });
  let outcome: AppProcess['outcome'];
  const ended = new Promise<void>((resolve) => {
    const end = (result: AppProcess['outcome']) => {
      outcome ??= result;
      resolve();
    };
    child.once('error', (error) => end({ code: null, error }));
    child.once('exit', (code) => end({ code }));
  });
  return {
    get outcome() {
      return outcome;
    },
    stop: async () => {
      if (outcome) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), TERMINATION_MILLIS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Returns true if the command already has `register`. */
export function hasRegister(command: readonly string[], nodeOptions = ''): boolean {
  return [...command, nodeOptions].some((word) => /humanloop-otel\/(dist\/)?register/.test(word));
}
