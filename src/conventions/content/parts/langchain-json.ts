/**
 * LangChain's own serialisation (`{"lc": 1, "type": "constructor", "id": […], "kwargs": {…}}`) → plain values.
 *
 * Messages become `{role, content, …}` as OpenAI writes them; every other object becomes its constructor arguments.
 */

import { isObject } from '../../../wire/json.ts';
import { stringOf } from '../../values/attributes.ts';
import { toText } from '../../values/json/plain-json.ts';

const MAX_DEPTH = 64;

const ROLES: readonly (readonly [string, string])[] = [
  ['Human', 'user'],
  ['AI', 'assistant'],
  ['System', 'system'],
  ['Tool', 'tool'],
  ['Function', 'tool'],
];

export function isLangChain(value: unknown): value is Record<string, unknown> {
  return isObject(value) && value['lc'] === 1 && Array.isArray(value['id']);
}

/** Returns a value without LangChain objects in it as it is, not copied. */
export function fromLangChain(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (!isLangChain(value)) return convertFields(value as Record<string, unknown>, depth + 1);
  const className = stringOf((value['id'] as unknown[]).at(-1)) ?? '';
  const kwargs = value['kwargs'];
  if (!isObject(kwargs)) return className;
  return /Message(Chunk)?$/.test(className) ? toMessage(className, kwargs) : fromLangChain(kwargs, depth + 1);
}

/** Copies only if something inside changes: most bodies are not LangChain's, and they are long. */
function convertFields(value: Record<string, unknown>, depth: number): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const key in value) {
    const item = value[key];
    if (typeof item !== 'object' || key === '__proto__') continue;
    const plain = fromLangChain(item, depth);
    if (plain === item) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = plain;
  }
  return copy ?? value;
}

function toMessage(className: string, kwargs: Record<string, unknown>): Record<string, unknown> {
  const role = ROLES.find(([prefix]) => className.startsWith(prefix))?.[1] ?? stringOf(kwargs['role']) ?? 'user';
  const name = stringOf(kwargs['name']);
  const toolCallId = stringOf(kwargs['tool_call_id']);
  const toolCalls = Array.isArray(kwargs['tool_calls']) ? kwargs['tool_calls'].filter(isObject).map(toToolCall) : [];
  const message = {
    role,
    content: kwargs['content'],
    ...(name && { name }),
    ...(toolCallId && { tool_call_id: toolCallId }),
    ...(kwargs['status'] === 'error' && { status: 'error' }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
  KWARGS.set(message, kwargs);
  return message;
}

const KWARGS = new WeakMap<object, Record<string, unknown>>();

/** Returns all that a message was made of. Its reason and its usage are no fields of a message. */
export function kwargsOf(message: object): Record<string, unknown> | undefined {
  return KWARGS.get(message);
}

function toToolCall(call: Record<string, unknown>): Record<string, unknown> {
  return {
    id: call['id'],
    type: 'function',
    function: { name: call['name'], arguments: toText(call['args'] ?? {}) },
  };
}
