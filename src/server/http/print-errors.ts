/** Prints the server's own failures on stderr, one line for each that has an explanation. */
import { HumanloopError } from '../../errors.ts';
import { StoreUnavailableError } from '../store/unavailable-error.ts';
import { HttpError } from './http-error.ts';

/** While the store is not available, or requests are refused as too many, each fails alike: so often a line says so. */
const REPEAT_MILLIS = 10_000;

export function createErrorPrinter(print: (line: string) => void = console.error): (error: unknown) => void {
  const printed = new Map<string, { atMillis: number; more: number }>();
  return (error) => {
    if (!(error instanceof StoreUnavailableError || error instanceof HttpError)) {
      print(`humanloop-otel server: ${error instanceof HumanloopError ? error.message : (error as Error)?.stack}`);
      return;
    }
    const kind = error instanceof HttpError ? error.message : error.reason;
    const last = printed.get(kind);
    if (last && performance.now() - last.atMillis < REPEAT_MILLIS) {
      last.more += 1;
      return;
    }
    printed.set(kind, { atMillis: performance.now(), more: 0 });
    print(`humanloop-otel server: ${error.message}${last?.more ? `, and ${last.more} more like the one before` : ''}`);
  };
}
