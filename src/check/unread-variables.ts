/** Finds variables whose names are wrong: a typo in `HUMANLOOP_CAPTURE_CONTENT` would let content out. */
import type { Environment } from '../environment.ts';
import { resolveOptions } from '../options.ts';

const OF_THE_SERVER = ['DATABASE_URL', 'KEEP', 'MAX_SIZE', 'OTLP_PORT', 'PUBLIC_URL', 'SEARCH'];

/** Returns the names of the variables that begin with `HUMANLOOP_` and that nothing here reads. */
export function listUnreadVariables(env: Environment): string[] {
  const read = new Set(OF_THE_SERVER.map((name) => `HUMANLOOP_${name}`));
  resolveOptions({}, new Proxy({}, { get: (_, name) => void read.add(String(name)) }));
  return Object.keys(env).filter((name) => name.startsWith('HUMANLOOP_') && !read.has(name));
}
