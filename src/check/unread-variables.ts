/** Finds variables whose names are wrong: a typo in `HUMANLOOP_CAPTURE_CONTENT` would let content out. */
import type { Environment } from '../environment.ts';
import { resolveOptions } from '../options.ts';

/** Those that the command line reads by itself. */
const OF_THE_COMMAND_LINE = [
  'HUMANLOOP_API_KEY',
  'HUMANLOOP_BASE_URL',
  'HUMANLOOP_DATABASE_URL',
  'HUMANLOOP_KEEP',
  'HUMANLOOP_MAX_SIZE',
  'HUMANLOOP_OTLP_PORT',
  'HUMANLOOP_PUBLIC_URL',
  'HUMANLOOP_SEARCH',
] as const;

export type CommandLineVariable = (typeof OF_THE_COMMAND_LINE)[number];

/** Returns the names of the variables that begin with `HUMANLOOP_`, are not empty, and that this package does not read. */
export function listUnreadVariables(env: Environment): string[] {
  const read = new Set<string>(OF_THE_COMMAND_LINE);
  resolveOptions({}, new Proxy({}, { get: (_, name) => void read.add(String(name)) }));
  return Object.keys(env).filter((name) => name.startsWith('HUMANLOOP_') && env[name] && !read.has(name));
}
