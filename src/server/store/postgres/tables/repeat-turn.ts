/** How long and how often a turn is done again. */
import { StoreUnavailableError } from '../../unavailable-error.ts';

/** Of turns that were overtaken: each finds out more. */
export const MAX_OVERTAKEN = 12;
export const MAX_FAILED = 3;
const PAUSE_MILLIS = 20;
/**
 * How long a request waits for its turn, and how long a turn is repeated. Senders wait as long, more or less: what they no
 * longer wait for would keep the database busy when it is back.
 */
export const PATIENCE_MILLIS = 10_000;

/** Thrown within a turn that was overtaken by another server. It is rolled back, planned and done again. */
export class RepeatTurn extends Error {}

export function waitedTooLong(): StoreUnavailableError {
  return new StoreUnavailableError(
    'unreachable',
    `the PostgreSQL database is not available (a write has waited for ${PATIENCE_MILLIS / 1000} s for its turn)`,
  );
}

/**
 * For a commit that was sent and not answered. What may be stored must not be tried with other ids: whoever asked for it
 * may, with the same references.
 */
export function unknownOutcome(error: unknown): StoreUnavailableError {
  const message = error instanceof Error ? error.message : String(error);
  return new StoreUnavailableError(
    'unreachable',
    `the PostgreSQL database is not available (the outcome of a write is not known: ${message})`,
    { cause: error },
  );
}

export function pause(steps: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS * steps * (0.5 + Math.random())));
}
