/** Prints what the app's operator must know, also where OpenTelemetry's `diag` has no logger: each topic once. */
import { diag } from '@opentelemetry/api';

const printed = new Set<string>();

/**
 * Passes a warning to `diag`, and prints it to stderr unless the process has printed the topic already, the logger of
 * `diag` has printed it just now, or `isQuiet`.
 */
export function warnAloud(topic: string, message: string, isQuiet: boolean): void {
  const line = `humanloop-otel: ${message}`;
  const isPrinted = writesToStderr(() => diag.warn(line));
  if (isQuiet || printed.has(topic)) return;
  printed.add(topic);
  if (!isPrinted) console.error(line);
}

/** The logger of `diag` cannot be asked where it writes to, nor which levels. */
function writesToStderr(step: () => void): boolean {
  const stderr: { write?: unknown } | undefined = globalThis.process?.stderr;
  const write = stderr?.write;
  if (!stderr || typeof write !== 'function') {
    step();
    return false;
  }
  const own = Object.getOwnPropertyDescriptor(stderr, 'write');
  let isWritten = false;
  stderr.write = function (...args: unknown[]) {
    isWritten = true;
    return write.apply(this, args);
  };
  try {
    step();
  } finally {
    if (own) Object.defineProperty(stderr, 'write', own);
    else delete stderr.write;
  }
  return isWritten;
}
