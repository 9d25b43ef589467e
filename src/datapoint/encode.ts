/**
 * A datapoint as the JSON that is sent. What may change until then is split off.
 *
 * Kept as a string and not as bytes: it costs no more memory, and a whole request is encoded faster than its parts.
 */
import type { LateFields } from '../wire/late-fields.ts';
import type { LogRequest } from '../wire/v4.ts';

export interface EncodedDatapoint {
  /** JSON object without `reference_id`, `parent_reference_id` and the late fields. */
  readonly body: string;
  readonly late: LateFields;
}

/**
 * Takes the datapoint apart: it must be the caller's own.
 *
 * @throws {TypeError} if the datapoint cannot be serialised at all.
 */
export function encodeDatapoint(datapoint: LogRequest): EncodedDatapoint {
  const { output, error, duration } = datapoint;
  const late = {
    output: typeof output === 'string' ? output.toWellFormed() : undefined,
    error: typeof error === 'string' ? error.toWellFormed() : undefined,
    duration: typeof duration === 'number' && Number.isFinite(duration) ? duration : undefined,
  };
  datapoint.reference_id = undefined;
  datapoint.parent_reference_id = undefined;
  datapoint.output = undefined;
  datapoint.error = undefined;
  datapoint.duration = undefined;
  return { body: stringify(datapoint), late };
}

/** Escapes of lone surrogates are valid JSON and still break databases on the other side. */
const SURROGATE_ESCAPE = '\\ud';

function stringify(value: unknown): string {
  let json: string;
  try {
    json = JSON.stringify(value);
  } catch {
    return JSON.stringify(plain(value, []));
  }
  return json.includes(SURROGATE_ESCAPE) ? JSON.stringify(value, wellFormed) : json;
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

const MAX_DEPTH = 64;

/** A copy that JSON can hold: what attributes should never bear (cycles, bigints, throwing getters) becomes text. */
function plain(value: unknown, ancestors: readonly object[]): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (ancestors.includes(value)) return '[circular]';
  if (ancestors.length >= MAX_DEPTH) return '[too deep]';
  const path = [...ancestors, value];
  if (Array.isArray(value)) return value.map((item) => plain(item, path));
  const copy: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) {
    try {
      copy[key.toWellFormed()] = plain((value as Record<string, unknown>)[key], path);
    } catch {
      copy[key.toWellFormed()] = '[unreadable]';
    }
  }
  return copy;
}
