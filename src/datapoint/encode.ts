/** A datapoint as the bytes that are sent. What may change until then is split off. */
import type { LogRequest } from './datapoint.ts';

export interface EncodedDatapoint {
  /** JSON object without `reference_id`, `parent_reference_id` and the late fields. */
  readonly body: Buffer;
  readonly late: { readonly output?: string; readonly error?: string; readonly duration?: number };
}

/**
 * Takes the datapoint apart: it must be the caller's own.
 *
 * @throws {TypeError} if the datapoint cannot be serialised at all.
 */
export function encodeDatapoint(datapoint: LogRequest): EncodedDatapoint {
  const late = {
    ...(typeof datapoint.output === 'string' && { output: datapoint.output.toWellFormed() }),
    ...(typeof datapoint.error === 'string' && { error: datapoint.error.toWellFormed() }),
    ...(typeof datapoint.duration === 'number' && { duration: datapoint.duration }),
  };
  for (const field of SPLIT_OFF) datapoint[field] = undefined;
  return { body: Buffer.from(stringify(datapoint)), late };
}

const SPLIT_OFF = ['reference_id', 'parent_reference_id', 'output', 'error', 'duration'] as const;

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
