import { diag } from '@opentelemetry/api';

/** A fault of ours, or of a span that breaks every promise, must not reach the app, nor stop the work on other spans. */
export function guard(step: () => void): void {
  try {
    step();
  } catch (error) {
    diag.error('humanloop-otel: a span could not be handled', error);
  }
}
