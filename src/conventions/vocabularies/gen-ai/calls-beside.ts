/** Calls beside the words of an answer, under a key of their own: in a list, in its JSON, or flattened. */
import { isObject } from '../../../wire/json.ts';
import { groupByIndex } from '../../values/indexed-groups.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const KEYS = ['gen_ai.response.tool_calls', 'gen_ai.tool_calls'] as const;

/** Returns undefined if there are none: some apps write their number there. */
export function callsBeside(fields: SpanFields): unknown[] | undefined {
  for (const key of KEYS) {
    const list = fields.list(key) ?? (fields.attributes[`${key}.0.name`] === undefined ? [] : flattened(fields, key));
    if (list.length > 0 && list.every(isObject)) return list;
  }
  return undefined;
}

function flattened({ attributes }: SpanFields, key: string): unknown[] {
  const [calls = []] = groupByIndex(attributes, [`${key}.`]);
  return calls.map((call) => call.fields);
}

function hasOnlyWords({ role, content, parts, tool_calls: calls }: Record<string, unknown>): boolean {
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  const areTexts = blocks.every((block) => isObject(block) && block['type'] === 'text');
  return role === 'assistant' && parts === undefined && calls === undefined && areTexts;
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
