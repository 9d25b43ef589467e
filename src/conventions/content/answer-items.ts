/** What tells the body of an answer from JSON that the model has written, which may have the same names in it. */
import { isObject } from '../../wire/json.ts';
import { memberOf } from '../values/printed/enum-member.ts';
import { isRole, toRole } from './messages/message-fields.ts';
import { isFragment } from './messages/message-wrappers.ts';
import { isMessageInOtherSpelling } from './messages/spellings.ts';
import { isKnownPart, isProviderPart } from './parts/message-parts.ts';

type Fields = Readonly<Record<string, unknown>>;

type IsItem = (item: Fields, isInBody: boolean) => boolean;

/**
 * Lists in bodies, with what tells an item of each from an object of the model's own. Beside the names of a body, less
 * is enough.
 */
const ITEMS: readonly (readonly [list: string, isItem: IsItem])[] = [
  ['choices', isChoice],
  ['candidates', isCandidate],
  ['generations', isGeneration],
  ['output', isTypedItem],
  ['response', isTypedItem],
];

function isChoice(choice: Fields, isInBody: boolean): boolean {
  const { message, delta, role, text = message } = choice;
  const isMessage = isObject(message) || isObject(delta) || isKnownRole(role);
  return isMessage || (isInBody && typeof text === 'string') || hasAnyOf(choice, CHOICE_KEYS);
}

const CHOICE_KEYS = ['finish_reason', 'finishReason', 'logprobs'] as const;

function isCandidate({ content, ...candidate }: Fields, isInBody: boolean): boolean {
  // Where all went into thinking, it has no parts.
  const { parts, role } = isObject(content) ? content : {};
  return Array.isArray(parts) || (isInBody && role === 'model') || hasAnyOf(candidate, CANDIDATE_KEYS);
}

const CANDIDATE_KEYS = ['finishReason', 'finish_reason', 'safetyRatings'] as const;

function isGeneration(generation: Fields, isInBody: boolean): boolean {
  const { message, text } = generation;
  const isText = typeof text === 'string' && (isInBody || hasAnyOf(generation, ['id', 'type']));
  return isText || isObject(message) || hasAnyOf(generation, GENERATION_KEYS);
}

const GENERATION_KEYS = ['finish_reason', 'generation_info', 'generationInfo'] as const;

function isTypedItem(item: Fields, isInBody: boolean): boolean {
  if (isKnownRole(item['role']) || isFragment(item) || isMessageInOtherSpelling(item)) return true;
  const { type, content } = item;
  if (typeof type === 'string') return isKnownPart(item) || isProviderPart(item);
  return isInBody && Array.isArray(content) && content.length > 0 && content.every(isTypedPart);
}

function isTypedPart(part: unknown): boolean {
  return isObject(part) && typeof part['type'] === 'string' && isKnownPart(part);
}

function hasAnyOf(fields: Fields, keys: readonly string[]): boolean {
  return keys.some((key) => key in fields);
}

/** Whether the object has a list of answers, or of items of one, or an answer with its usage. */
export function listsAnswers(body: Fields): boolean {
  return ITEMS.some(([key, isItem]) => {
    const value = body[key];
    if (isObject(value)) return saysUsage(body) || isLoneAnswer(value, isBody(body));
    if (!Array.isArray(value)) return false;
    const list = value.filter((item) => item !== null);
    if (!isBody(body)) return list.length > 0 && list.every((item) => areItems(item, isItem, false));
    // Items of types yet to come stand beside others.
    if (isItem === isTypedItem && list.some((item) => areItems(item, isItem, true))) return true;
    return body['object'] === 'response' || list.every((item) => areItems(item, isItem, true));
  });
}

/** Whether this is an answer where a list of them may be. */
function isLoneAnswer(value: Fields, isInBody: boolean): boolean {
  return isAnswerMessage(value) || listsAnswers(value) || (isInBody && hasAnyOf(value, CHOICE_KEYS));
}

/** What only bodies have beside their lists. A model may say something under the same names. */
function isBody(body: Fields): boolean {
  const { model, object, created, llm_output: ofPython, llmOutput = ofPython } = body;
  if (typeof object === 'string' || typeof created === 'number' || typeof model === 'string') return true;
  return saysUsage(body) || llmOutput === null || isObject(llmOutput);
}

function saysUsage({ usage, usageMetadata, usage_metadata: ofPython }: Fields): boolean {
  return isObject(usage) || isObject(usageMetadata) || isObject(ofPython);
}

/** LangChain has a list of generations for each prompt, and in it texts alone, or nothing for a prompt that failed. */
function areItems(item: unknown, isItem: IsItem, isInBody: boolean): boolean {
  if (Array.isArray(item)) {
    const inner = item.filter((each) => each !== null);
    return (isInBody || inner.length > 0) && inner.every((each) => areItems(each, isItem, true));
  }
  return isObject(item) && isItem(item, isInBody);
}

/** What a message has beside its role. */
const MESSAGE_KEYS = [
  'content',
  'parts',
  'tool_calls',
  'toolCalls',
  'refusal',
  'audio',
  'contents',
  'function_call',
  'text',
  'reasoning',
  'reasoning_content',
] as const;

function isKnownRole(role: unknown): role is string {
  return typeof role === 'string' && isRole(memberOf(role) ?? role);
}

/** Whether this is a message of the model. People in an app have roles too. */
export function isAnswerMessage(value: Fields): boolean {
  const { role, tool_calls: calls } = value;
  if (typeof role !== 'string') return Array.isArray(calls) && (calls.length > 0 || 'content' in value);
  return isKnownRole(role) && toRole(role) === 'assistant' && MESSAGE_KEYS.some((key) => key in value);
}
