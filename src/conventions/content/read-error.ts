/**
 * Why a span failed, from its status, the last exception event, `error.*` and the HTTP status.
 *
 * An exception event alone does not make a span failed: retries leave them on calls that succeed in the end. But it
 * does if a call has no answer at all. An exception that a framework throws to steer its own flow is never an error.
 */
import { type Attributes, type SpanSlice, STATUS_ERROR, STATUS_OK } from '../../otel/span-slice.ts';
import type { ReadError, Reading, SpanKind } from '../convention.ts';
import { integerOf, nameOf, objectOf, stringOf } from '../values/attributes.ts';

export interface ErrorSigns {
  /** Whether the vocabulary itself says that the span failed, whatever its status. */
  readonly failed?: boolean | undefined;
  /** The vocabulary's own error message; it wins over the generic attributes, as `type` does. */
  readonly message?: string;
  readonly type?: string;
  /** As `toFinishReason` returns it; `error` means that the span failed. */
  readonly finishReason?: string | undefined;
}

/** The type of an error of which nothing else is known. */
const FINISHED_BY_ERROR = 'finish reason error';
/** The types that readers give to errors whose source names none. */
export const OWN_ERROR_TYPES: ReadonlySet<string> = new Set([
  FINISHED_BY_ERROR,
  'tool error',
  'node failed',
  'no response',
  'no result',
]);
const HTTP_FAILURE = 400;
const MAX_MESSAGE_CHARS = 16_384;

/** Returns undefined if the span has not failed. */
export function readError(span: SpanSlice, signs: ErrorSigns = {}): ReadError | undefined {
  const { attributes } = span;
  const finishError = signs.finishReason === 'error';
  const failed =
    signs.failed === true ||
    finishError ||
    span.status.code === STATUS_ERROR ||
    attributes['otel.status_code'] === 'ERROR' ||
    namesError(attributes['error.type']) ||
    (isTrue(attributes['error']) && span.status.code !== STATUS_OK);
  if (!failed) return undefined;

  const exception = lastException(span);
  const told = toldBy(attributes);
  const status = integerOf(attributes['http.response.status_code']) ?? integerOf(attributes['http.status_code']);
  const message =
    stringOf(signs.message) ??
    stringOf(span.status.message) ??
    stringOf(exception?.['exception.message']) ??
    stringOf(attributes['error.message']) ??
    stringOf(attributes['exception.message']) ??
    stringOf(attributes['otel.status_description']) ??
    told?.message;
  const type =
    stringOf(signs.type) ??
    meaningful(attributes['error.type']) ??
    meaningful(exception?.['exception.type']) ??
    meaningful(attributes['exception.type']) ??
    told?.type ??
    (finishError ? FINISHED_BY_ERROR : undefined);
  const error: { message?: string; type?: string; httpStatus?: number } = {};
  if (message !== undefined) error.message = withoutStack(message);
  if (type !== undefined) error.type = type;
  if (status !== undefined && status >= HTTP_FAILURE) error.httpStatus = status;
  return error;
}

/** LangGraph's ways out of a node, which it catches itself: the run is paused, or goes on elsewhere. */
const INTERRUPTS: ReadonlySet<string | undefined> = new Set([
  'GraphInterrupt',
  'NodeInterrupt',
  'GraphBubbleUp',
  'GraphDelegate',
  'ParentCommand',
]);
/** Genkit's way out of a tool. An app that lets a user stop a tool may have an error of this name. */
const GENKIT_INTERRUPT = 'ToolInterruptError';
/** Pydantic AI's, whose names alone may be those of an app's own errors. */
const PYDANTIC_INTERRUPT = /^pydantic_ai\.(?:\w+\.)*(?:CallDeferred|ApprovalRequired)$/;

/**
 * Corrects the error of a reading that all vocabularies have filled in: an interrupt is none, and the exception of a
 * call without any answer is one. `kind` is that of the log.
 */
export function correctError(reading: Reading, span: SpanSlice, kind: SpanKind | undefined): Reading {
  const interrupt = interruptOf(span);
  if (interrupt !== undefined) return withInterrupt(reading, interrupt);
  const isCall = kind === 'model' || kind === 'tool';
  if (isCall && reading.error === undefined && span.ended !== false && !hasAnswer(reading, kind)) {
    if (tellsOfFailure(span)) reading.error = readError(span, { failed: true });
  }
  return reading;
}

/** Keys that no call has but one that failed. */
const FAILURE_KEYS = [
  'exception.type',
  'exception.message',
  'error.message',
  'gen_ai.error.message',
  'gen_ai.error.type',
];

/** Whether anything beside the status of a span says that a call which has no answer has failed. */
function tellsOfFailure(span: SpanSlice): boolean {
  const { attributes } = span;
  if (lastException(span) !== undefined) return true;
  if (span.status.code === STATUS_OK) return false;
  if (FAILURE_KEYS.some((key) => nameOf(attributes[key]) !== undefined)) return true;
  const status = integerOf(attributes['http.response.status_code']) ?? integerOf(attributes['http.status_code']) ?? 0;
  return status >= HTTP_FAILURE || toldBy(attributes) !== undefined;
}

/** Returns what an error says that is an object or its JSON, a text, or attributes of a vendor. */
function toldBy(attributes: Attributes): { message?: string; type?: string } | undefined {
  const { error } = attributes;
  const fields = objectOf(error);
  const message =
    stringOf(fields ? (fields['message'] ?? fields['detail']) : wordsOf(error)) ??
    stringOf(attributes['gen_ai.error.message']);
  const type = meaningful(fields?.['type'] ?? fields?.['name'] ?? fields?.['code'] ?? attributes['gen_ai.error.type']);
  if (message === undefined && type === undefined) return undefined;
  return { ...(message !== undefined && { message }), ...(type !== undefined && { type }) };
}

/** A call that its user has cancelled is none that has failed. */
function wordsOf(error: unknown): string | undefined {
  const words = nameOf(error);
  return words === undefined || /^(?:true|false|yes|no|ok|success|[01]|\[\])$|\bcancel/i.test(words)
    ? undefined
    : words;
}

/** Returns the class of the exception that steered the span's flow. A message with such a word in it does not count. */
function interruptOf(span: SpanSlice): string | undefined {
  const type = meaningful(span.attributes['error.type']) ?? stringOf(lastException(span)?.['exception.type']);
  const name = type?.slice(type.search(/\w*$/));
  const isGenkits = name === GENKIT_INTERRUPT && span.attributes['genkit:type'] !== undefined;
  return isGenkits || INTERRUPTS.has(name) || PYDANTIC_INTERRUPT.test(type ?? '') ? name : undefined;
}

function withInterrupt({ error: _error, finishReason, ...reading }: Reading, interrupt: string): Reading {
  if (finishReason !== undefined && finishReason !== 'error') Object.assign(reading, { finishReason });
  return { ...reading, metadata: { ...reading.metadata, interrupt } };
}

/** Whether anything of an answer was recorded: its content, its id, its model, the tokens that it took. */
function hasAnswer(reading: Reading, kind: SpanKind): boolean {
  const { output, outputMessage, finishReason, callId, promptTokens, outputTokens, metadata = {} } = reading;
  if (kind === 'tool') return output !== undefined || outputMessage !== undefined;
  return (
    Boolean(output) ||
    outputMessage?.tool_calls !== undefined ||
    finishReason !== undefined ||
    callId !== undefined ||
    Boolean(promptTokens) ||
    Boolean(outputTokens) ||
    metadata['response_id'] !== undefined ||
    metadata['response_model'] !== undefined
  );
}

/** OpenTracing's mark of a failed span, which bridges and older tracers keep. A status of success is more certain. */
function isTrue(error: unknown): boolean {
  return error === true || error === 'true';
}

/** A type of any kind, except for the words that stand for none. */
function namesError(type: unknown): boolean {
  return typeof type === 'string' ? nameOf(type) !== undefined : type !== undefined && type !== null;
}

/** As Python prints a class. */
const PYTHON_CLASS = /^<class '([\w.]+)'>$/;
/** They say nothing, nor does the class of a message in Python, `str`. */
const NO_TYPES: ReadonlySet<string> = new Set(['_OTHER', 'unknown', 'Error', 'str']);

function meaningful(value: unknown): string | undefined {
  const name = nameOf(value);
  const type = name === undefined ? undefined : (PYTHON_CLASS.exec(name)?.[1] ?? name);
  return type !== undefined && NO_TYPES.has(type) ? undefined : type;
}

/** An event of the span, and the GenAI conventions' log record, which is joined to the span. */
const EXCEPTION_EVENTS: ReadonlySet<string> = new Set(['exception', 'gen_ai.client.operation.exception']);

export function lastException(span: SpanSlice): Readonly<Record<string, unknown>> | undefined {
  for (let i = span.events.length - 1; i >= 0; i--) {
    if (EXCEPTION_EVENTS.has(span.events[i]!.name)) return span.events[i]!.attributes;
  }
  return undefined;
}

/** How stacks begin: Python's and Go's with a heading, those of Node, .NET and Java with a line. */
const STACK = /\n(?:Traceback \(most recent call last\)|goroutine \d+ \[|(?: {3,4}|\t)at )/;

/** LangChain's messages contain the stack, as do those of many others. The message ends where it begins. */
function withoutStack(message: string): string {
  const stack = message.search(STACK);
  const end = Math.min(stack < 0 ? message.length : stack, MAX_MESSAGE_CHARS);
  return withoutRepetition(message.slice(0, end).trimEnd()).toWellFormed();
}

/** LangChain's message without its stack is `message`, an empty line, `Name: message`. */
function withoutRepetition(message: string): string {
  const half = Math.floor(message.length / 2);
  for (let at = message.indexOf('\n\n'); at >= 0 && at <= half; at = message.indexOf('\n\n', at + 1)) {
    const first = message.slice(0, at).trimEnd();
    const rest = message.slice(at).trimStart();
    if (rest.endsWith(first) && /^\w+: $/.test(rest.slice(0, rest.length - first.length))) return first;
  }
  return message;
}
