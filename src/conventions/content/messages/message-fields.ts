/** The fields of a message around its content: role, wrappers, and tool calls that are not among the parts. */

import { isObject } from '../../../wire/json.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { firstValue, listOf, objectOf, stringOf } from '../../values/attributes.ts';
import { toText } from '../../values/json/plain-json.ts';
import { memberOf } from '../../values/printed/enum-member.ts';
import { addTranscript, type MessageParts } from '../parts/collected-parts.ts';
import { pushCall } from '../parts/lone-parts.ts';
import { collectPart, isCallOrResultPart, isKnownPart, isProviderPart } from '../parts/message-parts.ts';
import { RESULT_KEYS } from '../parts/part-keys.ts';
import { asListedItem, readExecutedTool } from '../parts/provider-calls.ts';
import { isNamedResult, isUntypedResult, type PartCall, toArguments } from '../parts/tool-parts.ts';

export type ChatRole = ChatMessage['role'];

type Fields = Record<string, unknown>;

const ROLES: ReadonlyMap<string, ChatRole> = new Map([
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['model', 'assistant'],
  ['ai', 'assistant'],
  ['chatbot', 'assistant'],
  ['system', 'system'],
  ['developer', 'system'],
  ['tool', 'tool'],
  ['function', 'tool'],
  ['tool_response', 'tool'],
  ['tool_result', 'tool'],
  ['toolresult', 'tool'],
  // Of a turn that only calls tools.
  ['tool_call', 'assistant'],
]);

/** Returns the v4 role, or `fallback` if v4 does not know it. */
export function toRole(value: unknown, fallback: ChatRole = 'user'): ChatRole {
  return knownRoleOf(memberOf(value)) ?? fallback;
}

export function isRole(value: string): boolean {
  return knownRoleOf(value) !== undefined;
}

/** Some name the class of the message: `AssistantMessage`. */
const MESSAGE = /[_ ]?message$/;

function knownRoleOf(name: string | undefined): ChatRole | undefined {
  const word = name?.toLowerCase().replaceAll('-', '_');
  return word === undefined ? undefined : (ROLES.get(word) ?? ROLES.get(word.replace(MESSAGE, '')));
}

/** OpenLLMetry writes each block of thinking as a message of its own, with its type as the role. */
export function isThought(role: unknown): boolean {
  return role === 'thinking' || role === 'reasoning';
}

export function moveToReasoning(parts: MessageParts): void {
  for (const part of parts.content.splice(0)) if (part.type === 'text') parts.reasoning.push(part.text);
}

/** Unwraps `{ message }` (choices, events), `{ content: { parts } }`, LangChain's `{ kwargs }` and `{ type, data }`. */
export function innerMessage(item: Fields): Fields {
  const { message } = item;
  if (isObject(message)) return isConstructor(message) ? (message['kwargs'] as Fields) : storedMessage(message);
  if (isConstructor(item)) return item['kwargs'] as Fields;
  // Gemini's candidates. One that only thought has no parts.
  const { content } = item;
  if (isObject(content) && ('parts' in content || content['role'] === 'model')) return content;
  if (isObject(content) && isOnlyCalls(content)) return { ...item, content: '', ...content };
  return storedMessage(item);
}

/** Returns the id of the call that a message answers. OpenInference's instrumentation of LangChain4j has its prefix in JSON. */
export function callIdOf(message: Fields): string | undefined {
  const { tool_call_id: id, toolCallId, 'message.tool_call_id': prefixed } = message;
  return stringOf(id) ?? stringOf(toolCallId) ?? stringOf(prefixed);
}

/** OpenInference's instrumentation of LangChain4j puts the calls of a message into its content: `{ tool_calls }`. */
function isOnlyCalls(content: Fields): boolean {
  return Array.isArray(content['tool_calls']) && Object.keys(content).length === 1;
}

/** LangChain's `{ lc, id, kwargs }`, or the fields of its message in `kwargs`. The keyword arguments of a call have the same name. */
export function isConstructor({ kwargs, lc, id }: Fields): boolean {
  return (
    isObject(kwargs) &&
    ('content' in kwargs || Array.isArray(kwargs['tool_calls']) || lc !== undefined || Array.isArray(id))
  );
}

function storedMessage(item: Fields): Fields {
  return isStored(item) ? (item['data'] as Fields) : item;
}

/** Whether this is LangChain's message as its stores keep it: `{ type, data }`. */
export function isStored({ type, data }: Fields): boolean {
  return LANGCHAIN_TYPES.has(type) && isObject(data) && data['content'] !== undefined;
}

const LANGCHAIN_TYPES: ReadonlySet<unknown> = new Set(['human', 'ai', 'system', 'tool', 'function', 'chat']);

export function roleOf(item: Fields, message: Fields, fallback: ChatRole): ChatRole {
  const role = message['role'] ?? item['role'];
  if (role !== undefined) return toRole(role, fallback);
  const className = Array.isArray(item['id']) ? stringOf(item['id'].at(-1)) : undefined;
  if (className) return toRole(className.replace(/Message(Chunk)?$/, ''), fallback);
  if (item['type'] === 'function_call' || item['type'] === 'reasoning') return 'assistant';
  return LANGCHAIN_TYPES.has(item['type']) ? toRole(item['type'], fallback) : fallback;
}

/** Whether this is a part, or an item of the Responses API, in the place of a message. */
export function isLonePart(message: Fields, body: unknown): boolean {
  if (typeof message['type'] === 'string' && isProviderPart(message)) return true;
  if (message['role'] !== undefined) return false;
  return isKnownPart(message) || (body === undefined && message['tool_calls'] === undefined);
}

/** Whether the body of a tool message has result parts, which carry their own call ids. */
export function hasToolResults(body: unknown): boolean {
  if (isObject(body)) return isNamedResult(body);
  if (!Array.isArray(body)) return false;
  return body.some((part) => {
    if (!isObject(part)) return false;
    const type = part['type'] ?? part['$type'];
    if (typeof type === 'string')
      return (
        (type !== 'text' && type.toLowerCase().includes('result')) || /tool_(call_)?response$|call_output$/.test(type)
      );
    return isUntypedResult(part) || RESULT_KEYS.some((key) => isObject(part[key]));
  });
}

/** Adds tool calls, thinking, refusals and transcripts that are fields of the message and not parts of its content. */
export function collectCallsBeside(message: Fields, parts: MessageParts): void {
  const extra = isObject(message['additional_kwargs']) ? message['additional_kwargs'] : undefined;
  const calls = nonEmpty(message['tool_calls']) ?? nonEmpty(message['toolCalls']) ?? nonEmpty(extra?.['tool_calls']);
  const withoutId = calls && placesWithoutId(parts.calls);
  for (const item of calls ?? []) {
    const call = objectOf(item);
    if (!call) continue;
    const listed = isCallOrResultPart(call) ? undefined : asListedItem(call);
    if (listed) collectPart(listed, parts);
    else pushCallOnce(call, parts, withoutId);
  }
  for (const item of (message['role'] === 'assistant' && listOf(message['executed_tools'])) || []) {
    const ran = readExecutedTool(item);
    if (ran) parts.provider.push(ran);
  }
  const legacy = message['function_call'] ?? message['tool_call'];
  if (isObject(legacy) && legacy['name'] !== undefined && message['content'] !== undefined) {
    parts.calls.push({
      id: undefined,
      name: toText(legacy['name']),
      arguments: toArguments(legacy['arguments']),
    });
  }
  if (parts.reasoning.length === 0) {
    const thinking =
      stringOf(message['reasoning_content']) ?? stringOf(message['reasoning']) ?? stringOf(message['thinking']);
    if (thinking !== undefined) parts.reasoning.push(thinking);
  }
  const refusal = stringOf(message['refusal']);
  // Some providers send an empty text beside it.
  if (refusal !== undefined && parts.content.every((part) => part.type === 'text' && part.text === '')) {
    parts.content.splice(0, parts.content.length, { type: 'text', text: refusal });
  }
  addTranscript(message, parts);
  // Ollama's pictures are base64, Agno's objects.
  for (const image of listOf(message['images']) ?? []) {
    const body = isObject(image) ? image : { data: image };
    if (firstValue(body, IMAGE_KEYS) !== undefined) collectPart({ ...body, type: 'image' }, parts);
  }
}

/** Places of calls, the last one first, by what they call. */
type Places = ReadonlyMap<string, number[]>;

/** Returns where calls without an id stand; undefined if all have one. */
function placesWithoutId(calls: readonly PartCall[]): Places | undefined {
  let places: Map<string, number[]> | undefined;
  for (let at = calls.length - 1; at >= 0; at--) {
    const call = calls[at]!;
    if (call.id !== undefined) continue;
    places ??= new Map();
    const same = places.get(textOf(call));
    if (same) same.push(at);
    else places.set(textOf(call), [at]);
  }
  return places;
}

function textOf({ name, arguments: input }: PartCall): string {
  return `${name}(${input})`;
}

/** Adds a call, in place of the same one among the parts that has no id. */
function pushCallOnce(call: Fields, parts: MessageParts, withoutId: Places | undefined): void {
  const { calls } = parts;
  const count = calls.length;
  pushCall(call, parts);
  const added = calls[count];
  if (added?.id === undefined || !withoutId) return;
  const same = withoutId.get(textOf(added))?.pop();
  if (same === undefined) return;
  calls[same] = added;
  calls.pop();
}

const IMAGE_KEYS = ['image_url', 'data', 'url', 'content', 'filepath'] as const;

function nonEmpty(value: unknown): unknown[] | undefined {
  const list = listOf(value);
  return list && list.length > 0 ? list : undefined;
}

/** Whether JSON holds instructions, and is not itself what they say. */
export function isSystemContent(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isSystemContent);
  if (!isObject(value)) return typeof value === 'string';
  return Array.isArray(value['parts']) || value['content'] !== undefined || isKnownPart(value);
}
