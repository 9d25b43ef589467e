/**
 * The input messages of an OpenInference LLM span.
 *
 * `llm.input_messages` is easy to read but incomplete: content blocks and call ids of LangChain, images of agents,
 * audio and files are only in `input.value`.
 */

import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { openJavaMessage } from '../../content/messages/java-messages.ts';
import { mergeAssistant } from '../../content/messages/join-messages.ts';
import type { MessageReader } from '../../content/messages/messages.ts';
import { fromLangChain } from '../../content/parts/langchain-json.ts';
import { stringOf } from '../../values/attributes.ts';
import type { IndexedGroup } from '../../values/indexed-groups.ts';
import { toMessage } from './messages.ts';
import { hasRedacted, type RawValue } from './raw-value.ts';

/** Reads `llm.input_messages`; the request itself if there are none or if the flattened list has lost something. */
export function readInput(
  groups: readonly IndexedGroup[],
  request: RawValue,
  { hasLoss, isLangChain4j }: { readonly hasLoss: boolean; readonly isLangChain4j: boolean },
  reader: MessageReader,
): ChatMessage[] {
  const { json } = request;
  const list = listIn(json);
  if (groups.length === 0 && isOfSound(json)) return [];
  if (groups.length === 0) return reader.read(json === undefined ? request.text : fromLangChain(json));
  const isWhole = json !== undefined && !request.isDamaged && !groups.some(hasRedacted);
  if (isWhole && ((hasLoss && isObject(json)) || lacksContent(groups, list))) {
    const messages = reader.read(fromLangChain(json));
    // The Responses API and agents have their instructions beside the list.
    if (messages.some(({ role }) => role === 'system')) return messages;
    const system = groups.filter(({ fields }) => isSystem(fields['message.role']));
    return [...reader.read(system.map(({ fields }) => toMessage(fields))), ...messages];
  }
  const flattened = groups.map(({ fields }) => toMessage(fields));
  const messages = reader.read(isLangChain4j ? flattened.map(asPrintedByJava) : flattened);
  // In the Responses API each tool call in the history is a separate item.
  return list?.some((item) => isObject(item) && item['type'] === 'function_call') ? mergeAssistant(messages) : messages;
}

/** The first releases for LangChain4j have each message as Java prints it for its content. */
function asPrintedByJava(message: Record<string, unknown> | undefined): unknown {
  return message && openJavaMessage(message);
}

/** What is said of a sound that a model is to write down, in which there are no words. */
const SOUND_KEYS: ReadonlySet<string> = new Set([
  ...['model', 'file_name', 'file_size', 'language', 'response_format', 'temperature', 'stream'],
  ...['timestamp_granularities', 'include', 'chunking_strategy'],
]);

function isOfSound(json: unknown): boolean {
  return (
    isObject(json) && typeof json['file_name'] === 'string' && Object.keys(json).every((key) => SOUND_KEYS.has(key))
  );
}

/** LangChain batches: a list of conversations; one call has one of them. */
export function listIn(json: unknown): unknown[] | undefined {
  const list = isObject(json) ? (json['messages'] ?? json['input']) : json;
  if (!Array.isArray(list)) return undefined;
  return Array.isArray(list[0]) ? list[0] : list;
}

/** Whether more parts were sent than the flattened messages have. */
export function lacksContent(groups: readonly IndexedGroup[], list: readonly unknown[] | undefined): boolean {
  if (list === undefined) return false;
  // Of a system message whose content is blocks, as LangChain's agents have it, only the role is written.
  const isSystemLost = groups.some(({ fields }) => isSystem(fields['message.role']) && countParts(fields) === 0);
  let sent = 0;
  for (const item of list) {
    if (!isObject(item)) continue;
    const message = isObject(item['kwargs']) ? item['kwargs'] : item;
    if (message !== item && stringOf(message['tool_call_id']) !== undefined) return true;
    if (isSystem(item['role']) || isSystemClass(item['id'])) {
      if (isSystemLost) return true;
      continue;
    }
    const content = message['content'];
    if (Array.isArray(content)) sent += content.length;
    else if (stringOf(content) !== undefined) sent++;
  }
  let written = 0;
  for (const { fields } of groups) if (!isSystem(fields['message.role'])) written += countParts(fields);
  return sent > written;
}

function countParts(fields: Attributes): number {
  let parts = 0;
  for (const key in fields) {
    if (key === 'message.content' || key.endsWith('.text') || key.endsWith('.url')) parts++;
  }
  return parts;
}

function isSystem(role: unknown): boolean {
  return role === 'system' || role === 'developer';
}

function isSystemClass(id: unknown): boolean {
  return Array.isArray(id) && id.at(-1) === 'SystemMessage';
}
