/** Message parts that are tool calls or tool results, as providers and frameworks write them. */

import { isObject } from '../../../wire/json.ts';
import { firstString, firstValue, jsonOf, stringOf, unquotedText } from '../../values/attributes.ts';
import { toText } from '../../values/json/plain-json.ts';
import { javaMapIn } from '../../values/printed/java-map.ts';
import { parsePrinted } from '../../values/printed/printed-literal.ts';
import { fromPythonJson } from '../../values/printed/python-json.ts';
import { parsePythonLiteral, startsAsPython } from '../../values/printed/python-literal.ts';

type Fields = Record<string, unknown>;

export interface PartCall {
  readonly id: string | undefined;
  readonly name: string;
  /** JSON text, as in v4. */
  readonly arguments: string;
}

export const NAME_KEYS = ['name', 'toolName', 'tool_name', 'functionName', 'function_name'] as const;
const INPUT_KEYS = ['arguments', 'args', 'input', 'parameters'] as const;
const RESULT_KEYS = ['response', 'result', 'output', 'content', 'responseData', 'error'] as const;
const AI_SDK_OUTPUTS: ReadonlySet<unknown> = new Set(['text', 'json', 'error-text', 'error-json', 'content']);

export function readCallPart(part: Fields): PartCall {
  const inner = [part['function'], part['custom']].find(isObject) ?? part;
  const input = firstValue(inner, INPUT_KEYS) ?? part['arguments'];
  return {
    id: firstString(part, 'toolCallId', 'call_id', 'callId', 'toolUseId', 'tool_call_id', 'ref', 'id'),
    name: firstString(inner, ...NAME_KEYS) ?? stringOf(part['name']) ?? 'unknown',
    arguments: toArguments(input),
  };
}

/**
 * Returns JSON text without quotes around an object and without what only Python or Java can read, other text as it is,
 * and other values as JSON.
 */
export function toArguments(input: unknown): string {
  if (input === undefined || input === null || input === '') return '{}';
  const written = onlyTextIn(input) ?? toText(input);
  const inner = unquotedText(written);
  const text = inner !== written && isObject(jsonOf(inner)) ? inner : written;
  const json = fromPythonJson(text);
  if (json !== text && isObject(jsonOf(json))) return json;
  const literal = (startsAsPython(text) ? parsePythonLiteral(text) : javaMapIn(text)) ?? parsePrinted(text);
  return isObject(literal) ? toText(literal) : text;
}

/** A list of JSON texts may have the arguments as its only one. */
export function onlyTextIn(input: unknown): string | undefined {
  const list = typeof input === 'string' && ONLY_TEXT.test(input) ? jsonOf(input) : input;
  const [only] = Array.isArray(list) && list.length === 1 ? list : [];
  return typeof only === 'string' && only.startsWith('{') && isObject(jsonOf(only)) ? only : undefined;
}

const ONLY_TEXT = /^\[\s*"\{/;

/** Returns the id of the answered call, the tool's name, and the raw result. */
export function readResultPart(result: Fields): { id: string | undefined; name: string | undefined; value: unknown } {
  // Haystack repeats the call that was answered.
  const part = isObject(result['origin']) ? { ...result['origin'], ...result } : result;
  return {
    id: firstString(part, 'toolCallId', 'tool_use_id', 'toolUseId', 'call_id', 'callId', 'tool_call_id', 'ref', 'id'),
    name: firstString(part, ...NAME_KEYS),
    value: isSpringsResult(part)
      ? unquotedText(part['responseData'] as string)
      : unwrapOutput(isNamedResult(part) ? namedResultOf(part) : firstValue(part, RESULT_KEYS)),
  };
}

function namedResultOf({ result, output = result }: Fields): unknown {
  return typeof output === 'string' ? unquotedText(output) : output;
}

/** Whether this is an item such as `computer_call`, which the app answers by its `call_id`, or `computer_call_output`. */
export function isAnswerableItem(part: Fields): boolean {
  const type = part['type'];
  return typeof type === 'string' && /_call(_output)?$/.test(type) && (part['call_id'] ?? part['callId']) !== undefined;
}

/** Returns such an item as a call that is named by its type: `computer_call`, `{ action }`. */
export function toCallPart(item: Fields): Fields {
  return { input: item['action'] ?? item['operation'], name: stringOf(item['type'])?.replace(/_call$/, ''), ...item };
}

/** A call as Rig (Rust) writes it, `{ id, function: { name, arguments } }`, or AutoGen, `{ id, name, arguments }`. */
export function isUntypedCall(part: Fields): boolean {
  const { type, id, name, function: body } = part;
  if (type !== undefined || typeof id !== 'string') return false;
  return isObject(body)
    ? typeof body['name'] === 'string'
    : typeof name === 'string' && INPUT_KEYS.some((key) => key in part);
}

/** A result as AutoGen writes it, `{ call_id, name, content }`, or with the id under another provider's name. */
export function isUntypedResult(part: Fields): boolean {
  const { type, role, content } = part;
  if (type !== undefined) return false;
  if (isSpringsResult(part) || isNamedResult(part)) return true;
  if (role !== undefined || content === undefined) return false;
  return firstString(part, 'call_id', 'tool_use_id', 'tool_call_id') !== undefined;
}

/** Sentry's `{ toolCallId, toolName, output }`, whose id may be null and whose output is JSON. */
export function isNamedResult(part: Fields): boolean {
  if (part['type'] !== undefined || INPUT_KEYS.some((key) => key in part)) return false;
  if (!('toolCallId' in part || 'tool_call_id' in part)) return false;
  return firstString(part, 'toolName', 'tool_name') !== undefined && ('output' in part || 'result' in part);
}

/** Spring AI's, whose data is JSON of what the tool answered, in quotes if that was a text. */
function isSpringsResult({ id, name, responseData }: Fields): boolean {
  return typeof id === 'string' && typeof name === 'string' && typeof responseData === 'string';
}

/** A call in a message that the AI SDK keeps for a page: `{ type: 'tool-weather', toolCallId, state, input, output }`. */
export function isUiTool({ type, toolCallId, state }: Fields): boolean {
  return typeof type === 'string' && type.startsWith('tool-') && typeof toolCallId === 'string' && state !== undefined;
}

/** Returns such a call, and its result if it is there. */
export function readUiTool(part: Fields): { call: PartCall; result: unknown } {
  const { type, toolCallId: id, toolName, input, output, errorText } = part;
  const name = stringOf(toolName) ?? stringOf(type)?.replace(/^tool-/, '');
  return { call: readCallPart({ id, name, input }), result: output ?? errorText };
}

/** AI SDK 5 and later wrap results: `{ type: 'text' | 'json' | 'error-text' | …, value }`. */
function unwrapOutput(value: unknown): unknown {
  if (!isObject(value) || !('value' in value) || !AI_SDK_OUTPUTS.has(value['type'])) return value;
  return value['type'] === 'json' && value['value'] === null ? 'null' : value['value'];
}

/** Keys that may be all an untyped part has: structured output, or the JSON that a tool answered. */
const VALUE_KEYS: ReadonlySet<string> = new Set(['data', 'json']);

/** Whether this is `{ json }`, as Bedrock writes a tool's result. */
export function isJsonBlock(value: unknown): boolean {
  return isObject(value) && value['json'] !== undefined && onlyValueOf(value) !== undefined;
}

/** Returns the value of a part that has nothing else, not even a type; undefined for other parts. */
export function onlyValueOf(part: Fields): unknown {
  let value: unknown;
  for (const key in part) {
    if (key === 'metadata') continue;
    if (value !== undefined || !VALUE_KEYS.has(key)) return undefined;
    value = part[key];
  }
  return value;
}
