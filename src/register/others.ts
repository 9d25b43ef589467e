/**
 * What `register` knows of its other instances: in the other half of the package, in threads, and in child processes.
 * Each has a processor of its own.
 */
import { subscribe } from 'node:diagnostics_channel';
import { basename } from 'node:path';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

const REGISTERED = Symbol.for('humanloop-otel.registered');
/** Threads are born with the data of the thread that starts them. */
const SEEN_IN_THREADS = 'humanloop-otel.seen';

/** Returns true for the first call in a process or thread, whichever half of the package makes it. */
export function isFirstInstance(): boolean {
  const shared = globalThis as { [REGISTERED]?: true };
  if (shared[REGISTERED]) return false;
  shared[REGISTERED] = true;
  return true;
}

export interface Others {
  /** A thread has seen LLM spans, or a child process that runs Node may have. */
  readonly mayHaveSeen: boolean;
  /** Call this when this thread has seen an LLM span. */
  saySeen(): void;
}

export function watchOthers(): Others {
  const seen = seenInThreads();
  let hasChild = false;
  // Also of `cluster`. What is started is known only after this message.
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: { spawnfile?: string } };
    queueMicrotask(() => {
      hasChild ||= child.spawnfile === process.execPath || /^node(\.exe)?$/.test(basename(child.spawnfile ?? ''));
    });
  });
  return {
    get mayHaveSeen() {
      return hasChild || seen[0] === 1;
    },
    saySeen: () => {
      seen[0] = 1;
    },
  };
}

function seenInThreads(): Uint8Array {
  const shared = isMainThread ? undefined : getEnvironmentData(SEEN_IN_THREADS);
  if (shared instanceof SharedArrayBuffer) return new Uint8Array(shared);
  const own = new SharedArrayBuffer(1);
  setEnvironmentData(SEEN_IN_THREADS, own as unknown as Parameters<typeof setEnvironmentData>[1]);
  return new Uint8Array(own);
}
