/** Calls beside the words of an answer, under a key of their own: in a list, in its JSON, or flattened. */
import { isObject } from '../../../wire/json.ts';
import { NAME_KEYS } from '../../content/parts/tool-parts.ts';
import { firstString } from '../../values/attributes.ts';
import { groupByIndex } from '../../values/indexed-groups.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const KEYS = ['gen_ai.response.tool_calls', 'gen_ai.tool_calls'] as const;

/** What may have calls of its own, or messages that have. */
const OF_CALLS = /call|parts|message|kwargs/i;

/** Returns undefined if there are none: some apps write their number there, or what else they know of them. */
function callsBeside(fields: SpanFields): unknown[] | undefined {
  for (const key of KEYS) {
    const list = fields.list(key) ?? (fields.attributes[`${key}.0.name`] === undefined ? [] : flattened(fields, key));
    if (list.length > 0 && list.every(isCall)) return list;
  }
  return undefined;
}

function isCall(item: unknown): boolean {
  if (!isObject(item)) return false;
  const { function: inner = item } = item;
  return isObject(inner) && firstString(inner, ...NAME_KEYS) !== undefined;
}

function flattened({ attributes }: SpanFields, key: string): unknown[] {
  const [calls = []] = groupByIndex(attributes, [`${key}.`]);
  return calls.map((call) => call.fields);
}

function hasOnlyWords(message: Record<string, unknown>): boolean {
  const { role, content } = message;
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  const areTexts = blocks.every((block) => isObject(block) && block['type'] === 'text');
  return role === 'assistant' && areTexts && !Object.keys(message).some((key) => OF_CALLS.test(key) && message[key]);
}

/** Adds them to an answer that is a text, a list of one, or nothing. Messages have their calls themselves. */
export function withCallsBeside(answer: unknown, fields: SpanFields): unknown {
  const only: unknown = Array.isArray(answer) && answer.length === 1 ? answer[0] : answer;
  const isMessage = isObject(only) && hasOnlyWords(only);
  if (only !== undefined && typeof only !== 'string' && !isMessage) return answer;
  const calls = callsBeside(fields);
  if (!calls) return answer;
  if (isMessage) return { ...only, tool_calls: calls };
  return { role: 'assistant', content: only === undefined ? [] : [{ type: 'text', text: only }], tool_calls: calls };
}
