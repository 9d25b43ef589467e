/** Runs the app's `redact` on a copy of the final datapoint. If it fails, the content is not sent. */

import type { Redact } from '../options.ts';
import { Deadline } from '../scheduling/deadline.ts';
import type { LogRequest } from '../wire/v4.ts';

/** A hook that takes longer has failed. */
export const REDACT_TIMEOUT_MILLIS = 5_000;

/** `null`: withhold the log. `'failed'`: the hook threw, rejected, was too slow or did not return a datapoint. */
export type Redacted = LogRequest | null | 'failed';

/** Returns a promise only if the hook does. Never throws or rejects. */
export function runRedact(redact: Redact, datapoint: LogRequest): Redacted | Promise<Redacted> {
  try {
    // Attribute values are shared with other exporters, so the hook gets a copy.
    const result = redact(JSON.parse(JSON.stringify(datapoint)));
    return isPromise(result) ? awaitResult(result, datapoint) : checkResult(result, datapoint);
  } catch {
    return 'failed';
  }
}

async function awaitResult(result: PromiseLike<LogRequest | null>, datapoint: LogRequest): Promise<Redacted> {
  try {
    const deadline = new Deadline(REDACT_TIMEOUT_MILLIS);
    return checkResult(await deadline.within(Promise.resolve(result), 'redact did not answer in time'), datapoint);
  } catch {
    return 'failed';
  }
}

/** Restores the ids, which a hook cannot change: children and updates already name the log by them. */
function checkResult(result: LogRequest | null, { reference_id, parent_reference_id }: LogRequest): Redacted {
  if (result === null) return null;
  if (typeof result !== 'object' || Array.isArray(result)) return 'failed';
  return { ...result, reference_id, parent_reference_id };
}

function isPromise(value: unknown): value is PromiseLike<LogRequest | null> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function';
}
