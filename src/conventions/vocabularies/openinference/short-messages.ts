/** OpenInference's flattened messages → JSON, for the short way: texts, calls of tools, and their results. */

import { mayBeJavaMessages } from '../../content/messages/java-messages.ts';
import { addCall } from '../../content/messages/message-texts.ts';
import { answerPieces, insideOfQuotes } from '../../content/parts/answer-pieces.ts';
import { toResultContent } from '../../content/parts/message-parts.ts';
import { mayBePrinted } from '../../content/parts/printed-items.ts';
import { readProviderItem } from '../../content/parts/provider-calls.ts';
import type { JsonPieces } from '../../short-way.ts';
import { stringOf } from '../../values/attributes.ts';
import { groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { isRedacted } from './raw-value.ts';

const CALLS = ['message.tool_calls.'] as const;
const CALL = 'message.tool_calls.';
const CALL_KEYS: ReadonlySet<string> = new Set([
  'tool_call.id',
  'tool_call.function.name',
  'tool_call.function.arguments',
]);

/** Returns the messages without the brackets of the list; undefined if there is any doubt. */
export function toMessagePieces(groups: readonly IndexedGroup[]): JsonPieces | undefined {
  const pieces: JsonPieces = [];
  let structure = '';
  for (const { fields } of groups) {
    const message = messagePieces(fields);
    if (message === undefined) return undefined;
    if (structure !== '') structure += ',';
    structure += message[0];
    if (message.length === 1) continue;
    pieces.push(structure, message[1] as string);
    structure = message[2] as string;
  }
  pieces.push(structure);
  return pieces;
}

/** Returns the message of the assistant. */
export function toAnswerPieces({ fields }: IndexedGroup): JsonPieces | undefined {
  return fields['message.role'] === 'assistant' ? messagePieces(fields) : undefined;
}

function messagePieces(fields: IndexedGroup['fields']): JsonPieces | undefined {
  let hasCalls = false;
  for (const key in fields) {
    if (key.startsWith(CALL)) hasCalls = true;
    else if (key !== 'message.role' && key !== 'message.content' && key !== 'message.tool_call_id') return undefined;
  }
  const role = fields['message.role'];
  const content = fields['message.content'];
  const callId = fields['message.tool_call_id'];
  if ((content !== undefined && typeof content !== 'string') || isRedacted(content)) return undefined;
  if (content && mayBeJavaMessages(content)) return undefined;
  if (role === 'tool') return hasCalls || !content ? undefined : resultPieces(content, stringOf(callId));
  if (callId !== undefined) return undefined;
  if (role === 'assistant') {
    const calls = hasCalls ? callsText(fields) : '';
    return calls === undefined ? undefined : answerPieces(content, calls);
  }
  if ((role !== 'user' && role !== 'system') || hasCalls || !content || /^["[{]/.test(content)) return undefined;
  if (mayBePrinted(content)) return undefined;
  return [`{"role":"${role}","content":"`, insideOfQuotes(content), '"}'];
}

/** Returns the JSON of the calls, without the brackets of the list. */
function callsText(fields: IndexedGroup['fields']): string | undefined {
  const [groups = []] = groupByIndex(fields, CALLS);
  let calls: string | undefined = '';
  for (const { fields: call } of groups) {
    for (const key in call) if (!CALL_KEYS.has(key)) return undefined;
    const id = stringOf(call['tool_call.id']);
    const name = stringOf(call['tool_call.function.name']);
    if (id === undefined || name === undefined) return undefined;
    const part = { id, type: 'function', function: { name, arguments: call['tool_call.function.arguments'] } };
    calls = readProviderItem(part) ? undefined : addCall(calls, part);
    if (calls === undefined) return undefined;
  }
  return calls === '' ? undefined : calls;
}

/** A result may be looked into if it is the JSON of blocks, which have types. */
function resultPieces(text: string, id: string | undefined): JsonPieces | undefined {
  if (id === undefined || (/^["[{]/.test(text) && text.includes('type'))) return undefined;
  return [JSON.stringify({ role: 'tool', content: toResultContent(text), tool_call_id: id })];
}
