/**
 * Why a span failed, from its status, the last exception event, `error.*` and the HTTP status.
 *
 * An exception event alone does not make a span failed: retries leave them on calls that succeed in the end.
 */
import { type SpanSlice, STATUS_ERROR } from '../../otel/span-slice.ts';
import type { ReadError } from '../convention.ts';
import { integerOf, nameOf, stringOf } from '../values/attributes.ts';

export interface ErrorSigns {
  /** Whether the vocabulary itself says that the span failed, whatever its status. */
  readonly failed?: boolean | undefined;
  /** The vocabulary's own error message; it wins over the generic attributes, as `type` does. */
  readonly message?: string;
  readonly type?: string;
  /** As `toFinishReason` returns it; `error` means that the span failed. */
  readonly finishReason?: string | undefined;
}

const HTTP_FAILURE = 400;
const MAX_MESSAGE_CHARS = 16_384;

/** Returns undefined if the span has not failed. */
export function readError(span: SpanSlice, signs: ErrorSigns = {}): ReadError | undefined {
  const { attributes } = span;
  const finishError = signs.finishReason === 'error';
  const failed =
    signs.failed === true || finishError || span.status.code === STATUS_ERROR || namesError(attributes['error.type']);
  if (!failed) return undefined;

  const exception = lastException(span);
  const status = integerOf(attributes['http.response.status_code']) ?? integerOf(attributes['http.status_code']);
  const message =
    stringOf(signs.message) ??
    stringOf(span.status.message) ??
    stringOf(exception?.['exception.message']) ??
    stringOf(attributes['error.message']) ??
    stringOf(attributes['exception.message']);
  const type =
    stringOf(signs.type) ??
    meaningful(attributes['error.type']) ??
    meaningful(exception?.['exception.type']) ??
    (finishError ? 'finish reason error' : undefined);
  const error: { message?: string; type?: string; httpStatus?: number } = {};
  if (message !== undefined) error.message = withoutStack(message);
  if (type !== undefined) error.type = type;
  if (status !== undefined && status >= HTTP_FAILURE) error.httpStatus = status;
  return error;
}

/** A type of any kind, except for the words that stand for none. */
function namesError(type: unknown): boolean {
  return typeof type === 'string' ? nameOf(type) !== undefined : type !== undefined && type !== null;
}

/** `Error`, `unknown` and `_OTHER` say nothing. */
function meaningful(value: unknown): string | undefined {
  const type = nameOf(value);
  return type === '_OTHER' || type === 'unknown' || type === 'Error' ? undefined : type;
}

export function lastException(span: SpanSlice): Readonly<Record<string, unknown>> | undefined {
  for (let i = span.events.length - 1; i >= 0; i--) {
    if (span.events[i]!.name === 'exception') return span.events[i]!.attributes;
  }
  return undefined;
}

/** LangChain's messages contain the stack. The message ends where a line begins with `at ` or a Python traceback. */
function withoutStack(message: string): string {
  const python = message.indexOf('\nTraceback (most recent call last)');
  const node = message.search(/\n {4}at /);
  const end = Math.min(python < 0 ? message.length : python, node < 0 ? message.length : node, MAX_MESSAGE_CHARS);
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
