/**
 * Encodes a datapoint as the JSON that is sent, without the fields that may still change.
 *
 * The JSON stays a string: what `JSON.stringify` returns is encoded fastest with the whole request.
 */
import type { LateFields } from '../wire/late-fields.ts';
import type { LogRequest } from '../wire/v4.ts';
import type { Body, EncodedLate } from './body.ts';

export interface EncodedDatapoint {
  readonly body: Body;
  readonly late: EncodedLate;
}

/** The same as text. */
export interface TextDatapoint {
  readonly body: string;
  readonly late: LateFields;
}

/**
 * Clears fields of the datapoint, which must belong to the caller.
 *
 * @throws {TypeError} if the datapoint cannot be serialised at all.
 */
export function encodeDatapoint(datapoint: LogRequest): TextDatapoint {
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

/** Escaped lone surrogates are valid JSON, but some databases refuse them. */
const SURROGATE_ESCAPE = '\\ud';

function stringify(value: unknown): string {
  let json: string;
  try {
    json = JSON.stringify(value);
  } catch {
    return JSON.stringify(toPlain(value, []));
  }
  return json.includes(SURROGATE_ESCAPE) ? JSON.stringify(value, toWellFormed) : json;
}

function toWellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

const MAX_DEPTH = 64;

/** Copies a value so that JSON can hold it. Cycles, bigints and throwing getters become text. */
function toPlain(value: unknown, ancestors: readonly object[]): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (ancestors.includes(value)) return '[circular]';
  if (ancestors.length >= MAX_DEPTH) return '[too deep]';
  const path = [...ancestors, value];
  if (Array.isArray(value)) return value.map((item) => toPlain(item, path));
  const copy: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) {
    try {
      copy[key.toWellFormed()] = toPlain((value as Record<string, unknown>)[key], path);
    } catch {
      copy[key.toWellFormed()] = '[unreadable]';
    }
  }
  return copy;
}
