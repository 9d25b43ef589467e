/** Keeps exceptions of this package away from the app. */
import { diag } from '@opentelemetry/api';

/**
 * Runs a step. If it throws, because of a bug or a malformed span, neither the app nor the work on other spans stops.
 */
export function guard(step: () => void): void {
  try {
    step();
  } catch (error) {
    reportFault(error);
  }
}

/** Reports what a step has thrown, where a loop catches it by itself: a function per step costs more than the step. */
export function reportFault(error: unknown): void {
  diag.error('humanloop-otel: a span could not be handled', error);
}
