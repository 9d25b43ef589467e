/** Prints the server's own failures on stderr, one line for each that has an explanation. */
import { HumanloopError } from '../../errors.ts';
import { StoreUnavailableError } from '../store/unavailable-error.ts';

/** While the store is not available, each request fails alike: so often a line says so. */
const REPEAT_MILLIS = 10_000;

export function createErrorPrinter(print: (line: string) => void = console.error): (error: unknown) => void {
  const printed = new Map<string, { atMillis: number; more: number }>();
  return (error) => {
    if (!(error instanceof StoreUnavailableError)) {
      print(`humanloop-otel server: ${error instanceof HumanloopError ? error.message : (error as Error)?.stack}`);
      return;
    }
    const last = printed.get(error.reason);
    if (last && performance.now() - last.atMillis < REPEAT_MILLIS) {
      last.more += 1;
      return;
    }
    printed.set(error.reason, { atMillis: performance.now(), more: 0 });
    print(`humanloop-otel server: ${error.message}${last?.more ? `, and ${last.more} more like the one before` : ''}`);
  };
}
