/**
 * What apps and their clients put around the request and the answer of a provider: `{ args, kwargs }`, `{ status, headers, data }`, a
 * list of one.
 */
import { isObject } from '../../../wire/json.ts';
import { jsonOf } from '../../values/attributes.ts';
import { withKnownNames } from './body-spellings.ts';

type Fields = Record<string, unknown>;

/** What answers are below. */
export const ANSWER_KEYS = [
  ...['response', 'data', 'result', 'body', 'output', 'outputs', 'completion'],
  ...['raw_response', 'rawResponse', 'raw'],
] as const;
const OTHERS = ['id', 'model', 'usage', 'usageMetadata', 'usage_metadata'] as const;

/** Returns the answer with the names that the readers of bodies know, and any other value as it is. */
export function answerBodyIn(value: unknown): unknown {
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : undefined;
  const known = withKnownNames(only ?? value);
  if (!isObject(known)) return value;
  if (isBody(known)) return known;
  for (const key of ANSWER_KEYS) {
    const inner = withKnownNames(known[key]);
    if (isObject(inner) && isBody(inner)) return inner;
  }
  // Names are known otherwise of bodies alone.
  return only === undefined || known !== only ? known : value;
}

/** What clients tell of an answer beside it. With any other field the object says more. */
const FRAME_KEYS: ReadonlySet<string> = new Set([
  ...ANSWER_KEYS,
  ...['status', 'statusCode', 'status_code', 'statusText', 'ok', 'headers', 'config', 'request', 'url', 'parsed'],
]);

/** Whether an object is nothing but what a client has put around an answer. */
export function isEnvelope(value: Fields): boolean {
  for (const key in value) if (!FRAME_KEYS.has(key)) return false;
  return true;
}

/** Whether the value is the whole answer of a provider, or something around one. */
export function holdsBody(value: unknown): boolean {
  return wholeAnswerIn(value) !== undefined;
}

/** Returns the whole answer of a provider. */
export function wholeAnswerIn(value: unknown): Fields | undefined {
  const body = answerBodyIn(value);
  return isObject(body) && isBody(body) ? body : undefined;
}

const REQUEST_KEYS = ['kwargs', 'body', 'request', 'params', 'payload', 'json'] as const;

/** Returns the request in an object that has no messages itself. */
export function requestIn(value: Fields): Fields | undefined {
  for (const key of REQUEST_KEYS) {
    const inner = withKnownNames(value[key]);
    if (!isObject(inner) || typeof inner['model'] !== 'string') continue;
    const { messages, contents, input } = inner;
    if ([messages, contents, input].some(areObjects) || typeof input === 'string') return inner;
  }
  return undefined;
}

/** Returns the whole answer of a provider in a text that an instrumentation took for its words; undefined for any other text. */
export function answerInText(text: unknown): Fields | undefined {
  if (typeof text !== 'string' || !/^\[?\{/.test(text) || !text.includes('usage')) return undefined;
  const body = wholeAnswerIn(jsonOf(text));
  return isObject(body?.['usage']) && typeof body['id'] === 'string' ? body : undefined;
}

/** Whether this is surely all that a provider answered: data of an app, and JSON of a model, may have some of these names. */
function isBody(value: Fields): boolean {
  if (!OTHERS.some((key) => value[key] !== undefined)) return false;
  const { choices, candidates, object, type, role, content, output } = value;
  if (object === 'response') return Array.isArray(output);
  if (type === 'message' && role === 'assistant') return Array.isArray(content);
  if (isObject(output) && isObject(output['message'])) return typeof value['stopReason'] === 'string';
  const isNamed = [value['model'], object].some((name) => typeof name === 'string') || isObject(value['usage']);
  return [choices, candidates].some((list) => areObjects(list) && list.every((choice) => isChoice(choice, isNamed)));
}

function isChoice(choice: Fields, isNamed: boolean): boolean {
  const { message, delta, content, text, finish_reason: ofPython, finishReason = ofPython } = choice;
  if (typeof finishReason === 'string' || (isNamed && typeof text === 'string')) return true;
  if (isObject(content)) return Array.isArray(content['parts']) || content['role'] === 'model';
  return [message, delta].some((said) => isObject(said) && SAID_KEYS.some((key) => key in said));
}

const SAID_KEYS = ['role', 'content', 'tool_calls'] as const;

function areObjects(list: unknown): list is Fields[] {
  return Array.isArray(list) && list.length > 0 && list.every(isObject);
}
