/** What tells the body of an answer from JSON that the model has written, which may have the same names in it. */
import { isObject } from '../../wire/json.ts';
import { memberOf } from '../values/enum-member.ts';
import { isRole } from './messages/message-fields.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Lists in bodies, with what an item of each has. */
const ITEM_KEYS: readonly (readonly [list: string, keys: readonly string[]])[] = [
  ['choices', ['message', 'role', 'delta', 'finish_reason', 'finishReason', 'logprobs']],
  ['candidates', ['content', 'finishReason', 'finish_reason', 'output', 'safetyRatings']],
  ['generations', ['text', 'message', 'generation_info', 'generationInfo']],
  ['output', ['type', 'role', 'content']],
  ['response', ['type', 'role', 'content']],
];

/** What only bodies have beside their lists. */
const BODY_KEYS = [
  'model',
  'object',
  'usage',
  'usageMetadata',
  'usage_metadata',
  'created',
  'llm_output',
  'llmOutput',
] as const;

/** Whether the object has a list of answers, or of items of one, or an answer with its usage. */
export function listsAnswers(body: Fields): boolean {
  return ITEM_KEYS.some(([key, keys]) => {
    const list = body[key];
    if (!Array.isArray(list) && !isObject(list)) return false;
    if (BODY_KEYS.some((name) => body[name] !== undefined)) return true;
    return Array.isArray(list) && list.length > 0 && list.every((item) => hasAnyOf(item, keys));
  });
}

/** LangChain has a list of generations for each prompt. */
function hasAnyOf(item: unknown, keys: readonly string[]): boolean {
  if (Array.isArray(item)) return item.length > 0 && item.every((inner) => hasAnyOf(inner, keys));
  return isObject(item) && keys.some((key) => (key === 'role' ? isKnownRole(item[key]) : key in item));
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

/** Whether this is a message, and not the user's. People in an app have roles too. */
export function isAnswerMessage(value: Fields): boolean {
  const { role, tool_calls: calls } = value;
  if (typeof role !== 'string') return Array.isArray(calls) && (calls.length > 0 || 'content' in value);
  return role !== 'user' && isKnownRole(role) && MESSAGE_KEYS.some((key) => key in value);
}
