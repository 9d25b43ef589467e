/** The error of a call that is said only where its answer should be: in the events of a stream, or as its body. */
import { isObject } from '../../wire/json.ts';
import type { ReadError, Reading } from '../convention.ts';
import { jsonOf, withoutQuotes } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { ANSWER_KEYS, isEnvelope } from './messages/envelopes.ts';
import { eventsInText, mayBeEvents } from './streams/event-stream.ts';
import { failureIn, isFailedBody, isFailure } from './streams/failures.ts';
import { joinChunks, yieldedIn } from './streams/stream-chunks.ts';

/** An error is said at the beginning of a body, and at the end of a stream. */
const LOOKED_AT_CHARS = 4_096;
const BODY_START =
  /^"?\{\s*\\?"(?:error|type|object|message|code|id|status|choices|response|data|result|body|output)\\?":/;
const BODY_SIGN = /\berror\b/;
/** A list of messages begins with a role; LangSmith has what a generator yielded below a key. */
const LIST_START = /^\[\s*\{\s*"(?!role")|^\{\s*"outputs?":\s*\[/;
const EVENT_SIGN = /"error\\?":|:\s?\\?"(?:error|response\.failed)\\?"|Exception\\?":/;
const COMPLETION_EVENT = 'gen_ai.content.completion';

/** Adds the error, and takes away the answer if the error is all that was recorded in its place. */
export function withFailureOfAnswer(reading: Reading, fields: SpanFields, keys: readonly string[]): Reading {
  const { attributes, span } = fields;
  for (const key of keys) {
    const recorded = recordedIn(attributes[key], () => fields.structure(key));
    if (recorded !== undefined) return withFailureIn(reading, recorded);
  }
  const event = keys.length === 0 ? span.events.find(({ name }) => name === COMPLETION_EVENT) : undefined;
  const said = event?.attributes?.['gen_ai.completion'];
  return event
    ? withFailureIn(
        reading,
        recordedIn(said, () => withoutQuotes(jsonOf(said))),
      )
    : reading;
}

function withFailureIn(reading: Reading, recorded: unknown): Reading {
  const events = Array.isArray(recorded) ? recorded : yieldedIn(recorded);
  if (events) return withFailureOfStream(reading, events);
  return isObject(recorded) ? withFailureOfBody(reading, recorded) : reading;
}

/** Most answers are not looked into. */
function recordedIn(value: unknown, parse: () => unknown): unknown {
  if (typeof value !== 'string') return isObject(value) || Array.isArray(value) ? value : undefined;
  const hasEventSign = () => EVENT_SIGN.test(value.slice(-LOOKED_AT_CHARS));
  if (mayBeEvents(value)) {
    const text = hasEventSign() ? (value.startsWith('"') ? parse() : value) : undefined;
    return typeof text === 'string' ? eventsInText(text) : undefined;
  }
  const start = value.slice(0, 64);
  if (BODY_START.test(start)) return BODY_SIGN.test(value.slice(0, LOOKED_AT_CHARS)) ? parse() : undefined;
  return LIST_START.test(start) && hasEventSign() ? parse() : undefined;
}

function withFailureOfStream(reading: Reading, events: readonly unknown[]): Reading {
  const known = events.filter(isObject);
  const error = failureIn(known.findLast((event) => failureIn(event) !== undefined) ?? {});
  if (!error) return reading;
  // A model may write a list of errors too, or one in which some items have one: only the events of streams are joined.
  if (!known.every(isFailure)) return joinChunks(events) === events ? reading : withError(reading, error);
  return known.some(isFailedBody) && !hasUsage(reading) ? withoutAnswer(reading, error) : reading;
}

function withFailureOfBody(reading: Reading, body: Record<string, unknown>): Reading {
  const inner = isEnvelope(body) ? ANSWER_KEYS.map((key) => body[key]).find(isFailedBody) : undefined;
  const error = failureIn(inner ?? body);
  if (!error) return reading;
  if (inner) return hasUsage(reading) ? reading : withoutAnswer(reading, error);
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
