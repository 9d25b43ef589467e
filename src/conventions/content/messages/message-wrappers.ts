/** Unwraps messages from request and response bodies, nested lists and JSON text → a list of single messages. */

import { isObject } from '../../../wire/json.ts';
import { firstString, jsonOf, listOf, objectOf, stringOf, withoutQuotes } from '../../values/attributes.ts';
import { areJsonLines } from '../../values/json/json-lines.ts';
import { startsStructure } from '../../values/json/json-start.ts';
import { toText } from '../../values/json/plain-json.ts';
import { budgetNow } from '../../values/json/text-weight.ts';
import { unescapedMessagesIn } from '../../values/json/unescaped-texts.ts';
import { kwargsOf } from '../parts/langchain-json.ts';
import { isKnownPart } from '../parts/message-parts.ts';
import { withConfig } from '../request-parameters.ts';
import { withKnownNames } from './body-spellings.ts';
import { answerBodyIn, requestIn } from './envelopes.ts';
import { toFinishReason, toGooglesFinishReason } from './finish-reason.ts';
import { javaMessagesIn } from './java-messages.ts';
import { innerMessage, isConstructor, isStored } from './message-fields.ts';
import { fromRareAnswer } from './rare-answers.ts';
import { areNumbers, isConversation, isRoleWithText, isRow } from './rows.ts';
import { isMessageInOtherSpelling, toKnownMessages, toKnownSpelling, toKnownSpellings } from './spellings.ts';

type Fields = Record<string, unknown>;

export interface Unwrapped {
  readonly items: readonly unknown[];
  /** Whether the items are pieces of messages (Responses API): neighbouring items of the assistant belong together. */
  readonly areFragments: boolean;
  /** Messages of the system, from the fields beside the list. An answer only repeats those of its request. */
  readonly instructions?: readonly unknown[];
}

const MAX_UNWRAPPING = 6;

/** Keys where bodies keep their messages. The first that is present counts. */
const WRAPPER_KEYS = [
  'messages',
  'contents',
  'choices',
  'candidates',
  'generations',
  'input',
  'prompt',
  'output',
  'message',
  'response',
] as const;
const SYSTEM_KEYS = [
  'system',
  'instructions',
  'systemInstruction',
  'system_instruction',
  'systemPrompt',
  'preamble',
] as const;

/** Items of the Responses API. */
const FRAGMENT_TYPES: ReadonlySet<unknown> = new Set([
  'message',
  'function_call',
  'function_call_output',
  'reasoning',
  'custom_tool_call',
  'custom_tool_call_output',
]);

/** Whether this is an item of the Responses API, of those that belong to messages. */
export function isFragment(value: unknown): boolean {
  return isObject(value) && FRAGMENT_TYPES.has(value['type']);
}

export function unwrapMessages(value: unknown, depth = 0): Unwrapped {
  if (value === undefined || value === null || depth > MAX_UNWRAPPING) return { items: [], areFragments: false };
  if (typeof value === 'string') {
    const printed = javaMessagesIn(value) ?? unescapedMessagesIn(value);
    if (printed) return { items: printed, areFragments: false };
    const json = withoutQuotes(jsonOf(value)) ?? messagesInLines(value);
    const parsed = Array.isArray(json) ? openTexts(json) : withKnownNames(json);
    return holdsMessages(parsed)
      ? unwrapMessages(parsed, depth + 1)
      : { items: value === '' ? [] : [value], areFragments: false };
  }
  if (Array.isArray(value)) return unwrapList(value, depth);
  const named = withKnownNames(value);
  const [known, ...more] = toKnownMessages(named);
  if (known !== named || !isObject(named)) return { items: [known, ...more], areFragments: false };
  if (isMessage(named)) return { items: [named], areFragments: false };
  const key = wrapperKeyOf(named);
  if (key === undefined) {
    const inner = requestIn(named) ?? itemsByNumber(named);
    return inner ? unwrapMessages(inner, depth + 1) : { items: [named], areFragments: false };
  }
  const inner = unwrapMessages(withHistory(named, key), depth + 1);
  const body = withConfig(named);
  for (const systemKey of SYSTEM_KEYS) {
    const system = body[systemKey];
    if (system !== undefined && system !== null && system !== '') {
      const content = isObject(system) ? (system['parts'] ?? system['content'] ?? system) : system;
      return { ...inner, instructions: [{ role: 'system', content }, ...(inner.instructions ?? [])] };
    }
  }
  return inner;
}

/** Cohere's first API has what the user says now beside what was said before. */
function withHistory(body: Fields, key: string): unknown {
  const history = listOf(body['chat_history']) ?? listOf(body['chatHistory']);
  return history && key === 'message' ? [...history, { role: 'user', content: body[key] }] : body[key];
}

/** Whether this is messages or wraps them, and not only data that a text happens to be. */
export function holdsMessages(parsed: unknown): boolean {
  if (Array.isArray(parsed)) return parsed.every(isRow) ? isConversation(parsed) : parsed.some(isMessageLike);
  if (!isObject(parsed)) return false;
  if (isMessage(parsed) || wrapperKeyOf(parsed) !== undefined) return true;
  return requestIn(parsed) !== undefined || itemsByNumber(parsed) !== undefined;
}

/** Whether this is rows that somebody has written as data: none is a message, and numbers alone may be vectors. */
export function isTable(parsed: unknown): boolean {
  if (!Array.isArray(parsed) || parsed.length === 0 || !parsed.every(isRow) || areNumbers(parsed)) return false;
  return !isConversation(parsed) && parsed.every((row) => openTexts(row) === row);
}

/** PHP writes a list with gaps as an object: `{ "0": …, "2": … }`. */
function itemsByNumber(list: Fields): unknown[] | undefined {
  for (const key in list) if (!/^\d{1,5}$/.test(key) || !isMessageLike(list[key])) return undefined;
  const items = Object.values(list);
  return items.length > 0 ? items : undefined;
}

function unwrapList(list: readonly unknown[], depth: number): Unwrapped {
  const items = toKnownSpellings(openTexts(list));
  if (items !== list) return unwrapList(items, depth);
  if (areNumbers(list) || (depth === 0 && isTable(list))) return { items: [toText(list)], areFragments: false };
  if (list.length > 0 && list.every(isRoleWithText)) {
    return { items: list.map(([role, content]) => ({ role, content })), areFragments: false };
  }
  // LangChain batches: a list of conversations; one call has one of them. Of answers, those that failed are empty.
  if (list.length > 0 && list.every(Array.isArray)) {
    const first: unknown = list.find((inner) => inner.length > 0);
    return unwrapMessages(first, depth + 1);
  }
  if (list.length > 0 && list.every(isPartOnly)) return { items: [{ content: list }], areFragments: false };
  return { items: list, areFragments: list.some((item) => isObject(item) && FRAGMENT_TYPES.has(item['type'])) };
}

function wrapperKeyOf(body: Fields): (typeof WRAPPER_KEYS)[number] | undefined {
  return WRAPPER_KEYS.find((key) => {
    const inner = body[key];
    return Array.isArray(inner) || isObject(inner) || (typeof inner === 'string' && inner !== '');
  });
}

function isMessage(value: Fields): boolean {
  return (
    typeof value['role'] === 'string' ||
    'parts' in value ||
    isConstructor(value) ||
    ('content' in value && !('input' in value)) ||
    'finish_reason' in value ||
    FRAGMENT_TYPES.has(value['type'])
  );
}

const MESSAGE_KEYS = ['content', 'parts', 'contents', 'blocks', 'tool_calls', 'refusal', 'audio'] as const;

/** Stricter than `isMessage`: a text that happens to be JSON must stay text. */
function isMessageLike(value: unknown): boolean {
  if (Array.isArray(value)) return isRoleWithText(value) || value.some(isMessageLike);
  return (
    isObject(value) &&
    ((typeof value['role'] === 'string' && MESSAGE_KEYS.some((key) => key in value)) ||
      isConstructor(value) ||
      isStored(value) ||
      FRAGMENT_TYPES.has(value['type']) ||
      isMessageInOtherSpelling(value))
  );
}

/** Whether this is a content block in the place of a message. */
function isPartOnly(value: unknown): boolean {
  if (!isObject(value) || 'role' in value || 'message' in value || 'parts' in value || 'kwargs' in value) return false;
  if (FRAGMENT_TYPES.has(value['type']) || isStored(value)) return false;
  return (
    typeof value['type'] === 'string' ||
    typeof value['text'] === 'string' ||
    isObject(value['toolUse']) ||
    isObject(value['functionCall'])
  );
}

/** Replaces the items that are JSON texts of messages or blocks by these. All other texts stay. */
export function openTexts(list: readonly unknown[]): readonly unknown[] {
  let opened: unknown[] | undefined;
  for (let at = 0; at < list.length; at++) {
    const inner = itemsInText(list[at]);
    if (inner) {
      opened ??= list.slice(0, at);
      opened.push(...inner);
    } else opened?.push(list[at]);
  }
  return opened ?? list;
}

function itemsInText(text: unknown): unknown[] | undefined {
  if (typeof text !== 'string' || !startsStructure(text)) return undefined;
  const parsed = withoutQuotes(jsonOf(text));
  const items: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return items.length > 0 && items.every(isMessageOrBlock) ? items : undefined;
}

function isMessageOrBlock(value: unknown): boolean {
  if (!isObject(value)) return false;
  return isMessageLike(value) || isMessageLike(value['message']) || (value['type'] !== undefined && isKnownPart(value));
}

/** Returns messages of which each has a line of its own. */
function messagesInLines(text: string): unknown[] | undefined {
  if (!areJsonLines(text)) return undefined;
  const list = text
    .trim()
    .split('\n')
    .map((line) => jsonOf(line));
  return list.every(isMessageLike) ? list : undefined;
}

/** Parses a text that is a stringified list of messages; returns undefined for any other text. */
export function messagesInText(text: string): unknown[] | undefined {
  if (!text.startsWith('[') || budgetNow().hasRefused(text)) return undefined;
  if (!(text.includes('"role"') || text.includes('"type"'))) return undefined;
  const list = jsonOf(text);
  return Array.isArray(list) && list.length > 0 && list.every(isCertainlyMessage) ? list : undefined;
}

/** A user may say rows with a type and data. */
function isCertainlyMessage(value: unknown): boolean {
  return (
    isMessageLike(value) && !(isObject(value) && value['role'] === undefined && isStored(value) && !hasRest(value))
  );
}

/** What LangChain has in the data of each message. */
function hasRest({ data }: Fields): boolean {
  return isObject(data) && ('additional_kwargs' in data || 'response_metadata' in data || 'tool_call_id' in data);
}

function numberedReasonOf({ finish_reason, finishReason }: Fields): string | undefined {
  return toGooglesFinishReason(finish_reason ?? finishReason);
}

/** LangChain has a list of generations for each prompt, and what the provider says of one beside its message, or in it. */
function finishReasonOfGenerations([list]: readonly unknown[]): string | undefined {
  const generation: unknown = Array.isArray(list) ? list[0] : list;
  if (!isObject(generation)) return undefined;
  const { generation_info: ofPython, generationInfo: info = ofPython, message } = generation;
  const inner = isObject(message) && isObject(message['kwargs']) ? message['kwargs'] : message;
  return finishReasonOf(info) ?? finishReasonOf(inner);
}

const REASON_KEYS = ['finish_reason', 'finishReason', 'stop_reason', 'stopReason', 'done_reason'] as const;
/** Where LangChain and Eino have what the provider told beside a message. */
const TOLD_KEYS = ['response_metadata', 'response_meta', 'additional_kwargs', 'generation_info'] as const;

function reasonIn(fields: Fields): string | undefined {
  return firstString(fields, ...REASON_KEYS);
}

function reasonTold(message: Fields): string | undefined {
  for (const key of TOLD_KEYS) {
    const told = message[key] ?? kwargsOf(message)?.[key];
    const reason = isObject(told) ? reasonIn(told) : undefined;
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function reasonOfResponse({ incomplete_details: details }: Fields): string | undefined {
  return isObject(details) ? stringOf(details['reason']) : undefined;
}

/** Returns the finish reason of the first choice. */
export function finishReasonOf(value: unknown): string | undefined {
  const body = typeof value === 'string' ? withoutQuotes(jsonOf(value)) : value;
  const item: unknown = Array.isArray(body) ? body.find((each) => each !== null && each !== '') : body;
  const first = toKnownSpelling(answerBodyIn(typeof item === 'string' ? objectOf(item) : item));
  if (!isObject(first)) return undefined;
  const reason = reasonIn(first) ?? reasonTold(innerMessage(first)) ?? reasonOfResponse(first);
  if (reason !== undefined) return toFinishReason(reason);
  if (Array.isArray(first['generations'])) return finishReasonOfGenerations(first['generations']);
  if (Array.isArray(first['choices'])) return finishReasonOf(first['choices']);
  // Alibaba's DashScope.
  if (isObject(first['output'])) return finishReasonOf(first['output']);
  const candidates = first['candidates'];
  if (Array.isArray(candidates) && candidates.length > 0) {
    return finishReasonOf(candidates) ?? (isObject(candidates[0]) ? numberedReasonOf(candidates[0]) : undefined);
  }
  const known = fromRareAnswer(first);
  return known === first ? undefined : finishReasonOf(known);
}
