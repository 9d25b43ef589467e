/** The error of a call that is said only where its answer should be: in the events of a stream, or as its body. */
import { isObject } from '../../wire/json.ts';
import type { ReadError, Reading } from '../convention.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { eventsInText, mayBeEvents } from './streams/event-stream.ts';
import { failureIn, isFailedBody, isFailure } from './streams/failures.ts';

/** An error is said at the beginning of a body, and at the end of a stream. */
const LOOKED_AT_CHARS = 4_096;
const BODY_START = /^"?\{\s*\\?"(?:error|type|object|message|code|id|status)\\?":/;
const BODY_SIGN = /\berror\b/;
const LIST_START = /^\[\s*\{\s*"(?!role")/;
const EVENT_SIGN = /"error\\?":|:\s?\\?"(?:error|response\.failed)\\?"|Exception\\?":/;

/** Adds the error, and takes away the answer if the error is all that was recorded in its place. */
export function withFailureOfAnswer(reading: Reading, fields: SpanFields, keys: readonly string[]): Reading {
  for (const key of keys) {
    const value = fields.attributes[key];
    const recorded = typeof value === 'string' ? recordedIn(value, key, fields) : value;
    if (Array.isArray(recorded)) return withFailureOfStream(reading, recorded);
    if (isObject(recorded)) return withFailureOfBody(reading, recorded);
  }
  return reading;
}

/** Most answers are not looked into. */
function recordedIn(text: string, key: string, fields: SpanFields): unknown {
  if (mayBeEvents(text)) return EVENT_SIGN.test(text.slice(-LOOKED_AT_CHARS)) ? eventsInText(text) : undefined;
  if (BODY_START.test(text.slice(0, 64))) {
    return BODY_SIGN.test(text.slice(0, LOOKED_AT_CHARS)) ? fields.structure(key) : undefined;
  }
  const isList = LIST_START.test(text.slice(0, 64)) && EVENT_SIGN.test(text.slice(-LOOKED_AT_CHARS));
  return isList ? fields.structure(key) : undefined;
}

function withFailureOfStream(reading: Reading, events: readonly unknown[]): Reading {
  const known = events.filter(isObject);
  const error = failureIn(known.findLast((event) => failureIn(event) !== undefined) ?? {});
  if (!error) return reading;
  return known.every(isFailure) ? withoutAnswer(reading, error) : withError(reading, error);
}

function withFailureOfBody(reading: Reading, body: Record<string, unknown>): Reading {
  const error = failureIn(body);
  if (!error) return reading;
  // Beside an error there may be what had come of an answer.
  if (!isFailure(body)) return withError(reading, error);
  return isFailedBody(body) && !hasUsage(reading) ? withoutAnswer(reading, error) : reading;
}

/** What the span itself says of the error wins. */
function withError(reading: Reading, error: ReadError): Reading {
  const known = reading.error;
  return known?.message === undefined ? { ...reading, error: { ...known, ...error } } : reading;
}

/** A call that failed has used nothing, and has no reason to have ended: otherwise the error is what a model wrote. */
function hasUsage({ promptTokens, outputTokens, finishReason }: Reading): boolean {
  return Boolean(promptTokens) || Boolean(outputTokens) || (finishReason !== undefined && finishReason !== 'error');
}

function withoutAnswer(reading: Reading, error: ReadError): Reading {
  const { output: _output, outputMessage: _message, ...rest } = reading;
  return withError(rest, error);
}
