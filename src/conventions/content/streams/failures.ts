/**
 * What says, in the place of an answer, that there is none or that it broke off: an event of a stream, or a whole body.
 *
 * - `{ error: { message, type, code } }` of OpenAI and all that are like it, Anthropic (`type: 'error'` beside it), Gemini
 * - `{ type: 'error', code, message }`, `{ type: 'response.failed', response: { error } }` of the Responses API
 * - `{ internalServerException: { message } }` and its like of Bedrock, `{ error: 'text' }` of Ollama
 */
import { isObject } from '../../../wire/json.ts';
import type { ReadError } from '../../convention.ts';
import { integerOf, stringOf, tokenOf } from '../../values/attributes.ts';

type Fields = Record<string, unknown>;

const HTTP_FAILURE = 400;
const HTTP_LAST = 599;

/** What may be beside an error. With any other field the body says more than that. */
const FRAME_KEYS: ReadonlySet<string> = new Set([
  ...['error', 'type', 'object', 'code', 'message', 'param', 'status', 'status_code', 'success', 'event_id'],
  ...['sequence_number', 'id', 'request_id', 'requestId', 'user_id', 'model', 'provider', 'created'],
]);
const EXCEPTION = /^[a-z]\w{0,60}Exception$/;

/** Whether an event of a stream is an error and nothing else. */
export function isFailure(event: unknown): event is Fields {
  return isObject(event) && (isErrorEvent(event) || exceptionIn(event) !== undefined);
}

function isErrorEvent(event: Fields): boolean {
  const { error, type, object, message } = event;
  const isSaid = type === 'error' || object === 'error';
  const isError = isObject(error) || typeof error === 'string' || (isSaid && typeof message === 'string');
  return isError && Object.keys(event).every((key) => FRAME_KEYS.has(key));
}

/** Bedrock's events of that sort have one field, named by the class. */
function exceptionIn(event: Fields): [string, Fields] | undefined {
  for (const key in event) {
    const body = event[key];
    return EXCEPTION.test(key) && isObject(body) && typeof body['message'] === 'string' ? [key, body] : undefined;
  }
  return undefined;
}

/** Returns what an event of a stream, or the body of a response that failed, says of its error. */
export function failureIn(event: Fields): ReadError | undefined {
  if (isErrorEvent(event)) return errorOf(isObject(event['error']) ? event['error'] : event);
  const exception = exceptionIn(event);
  if (exception) return errorOf({ ...exception[1], type: exception[0] });
  const { response, type, choices, error } = event;
  // OpenRouter has it beside what had come, or in the choice.
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const ofChoice = isObject(choice) ? (choice['error'] ?? error) : undefined;
  if (isObject(ofChoice)) return errorOf(ofChoice);
  const failed = type === 'response.failed' && isObject(response) ? response : event;
  const isFailed = failed['status'] === 'failed' && failed['object'] === 'response';
  return isFailed && isObject(failed['error']) ? errorOf(failed['error']) : undefined;
}

/** What providers name their errors if they say nothing else that a model would not write. */
const PROVIDERS_TYPES =
  /^(?:(?:invalid_request|authentication|rate_limit|api|server|internal_server|overloaded)_error|insufficient_quota)$/;

/** Whether a body is an error and nothing else, in the words of a provider: a model may write such JSON too. */
export function isFailedBody(body: unknown): body is Fields {
  if (!isObject(body) || !isErrorEvent(body)) return false;
  const error = isObject(body['error']) ? body['error'] : body;
  const { type, code, status, message } = error;
  if (stringOf(message) === undefined) return false;
  if (typeof type === 'string' && PROVIDERS_TYPES.test(type)) return true;
  // Anthropic's has its type in a frame, and OpenAI's always has all four fields.
  if (error !== body && body['type'] === 'error' && typeof type === 'string' && /^[a-z_]+_error$/.test(type))
    return true;
  if (type !== undefined && code !== undefined && 'param' in error) return true;
  const isFramed = 'metadata' in error || 'user_id' in body || body['object'] === 'error';
  const isGoogles = typeof status === 'string' && /^[A-Z][A-Z_]+$/.test(status);
  return isHttpFailure(integerOf(code)) && (isFramed || isGoogles);
}

function errorOf(error: Fields): ReadError {
  const { type, code, status, status_code: ofCohere } = error;
  // The type of an event says only that it is an error.
  const name = tokenOf(type === 'error' ? undefined : type) ?? textCodeOf(code) ?? textCodeOf(status);
  const message = stringOf(error['message']) ?? stringOf(error['error']);
  const http = [code, status, ofCohere].map(integerOf).find(isHttpFailure);
  return {
    ...(message !== undefined && { message }),
    ...(name !== undefined && { type: name }),
    ...(http !== undefined && { httpStatus: http }),
  };
}

function textCodeOf(code: unknown): string | undefined {
  return integerOf(code) === undefined ? tokenOf(code) : undefined;
}

function isHttpFailure(status: number | undefined): boolean {
  return status !== undefined && status >= HTTP_FAILURE && status <= HTTP_LAST;
}
