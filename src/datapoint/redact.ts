/**
 * Runs the user's `redact` on a copy of the final datapoint, and fails closed: what it did not clear is not sent.
 */

import type { Redact } from '../options.ts';
import { Deadline } from '../scheduling/deadline.ts';
import type { LogRequest } from '../wire/v4.ts';

/** A hook that has not answered by then is taken to have failed. */
export const REDACT_TIMEOUT_MILLIS = 5_000;

/** `null`: withhold the log. `'failed'`: the hook threw, rejected, was too slow or gave no datapoint. */
export type Redacted = LogRequest | null | 'failed';

/** Synchronous where the hook is. Never throws or rejects. */
export function runRedact(redact: Redact, datapoint: LogRequest): Redacted | Promise<Redacted> {
  try {
    // Attribute values are shared with other exporters, so the hook gets none of them, only what will be sent.
    const result = redact(JSON.parse(JSON.stringify(datapoint)));
    return isPromise(result) ? awaited(result, datapoint) : checked(result, datapoint);
  } catch {
    return 'failed';
  }
}

async function awaited(result: PromiseLike<LogRequest | null>, datapoint: LogRequest): Promise<Redacted> {
  try {
    const deadline = new Deadline(REDACT_TIMEOUT_MILLIS);
    return checked(await deadline.within(Promise.resolve(result), 'redact did not answer in time'), datapoint);
  } catch {
    return 'failed';
  }
}

/** The ids are not the hook's to change: children and updates already name the log by them. */
function checked(result: LogRequest | null, { reference_id, parent_reference_id }: LogRequest): Redacted {
  if (result === null) return null;
  if (typeof result !== 'object' || Array.isArray(result)) return 'failed';
  return { ...result, reference_id, parent_reference_id };
}

function isPromise(value: unknown): value is PromiseLike<LogRequest | null> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function';
}
