/**
 * Content of messages as Rust writes its enumerations, each variant below its name: `{ "Text": "Hi" }`, `{ "Text": { "text" } }`,
 * `{ "Parts": [{ "Text": "Hi" }] }`, `{ "ToolCalls": [{ "call_id", "fn_name", "fn_arguments" }] }`.
 */
import { isObject } from '../../../wire/json.ts';

type Fields = Record<string, unknown>;

/** Returns what the readers of messages know, a text or a list of parts; any other content as it is. */
export function untaggedContent(content: unknown): unknown {
  if (isObject(content)) return partsIn(content) ?? content;
  if (!Array.isArray(content) || !content.some(isTagged)) return content;
  return content.flatMap((part: unknown) => (isObject(part) ? (partsIn(part) ?? part) : part));
}

function isTagged(part: unknown): boolean {
  return isObject(part) && part['type'] === undefined && partsIn(part) !== undefined;
}

function partsIn(part: Fields): unknown {
  const [[tag, value] = [], ...others] = Object.entries(part);
  if (others.length > 0) return undefined;
  switch (tag) {
    case 'Text':
      return textPartsOf(isObject(value) ? value['text'] : value);
    case 'Parts':
      return Array.isArray(value) ? untaggedContent(value) : undefined;
    case 'ToolCall':
    case 'ToolCalls':
      return listOf(value)?.map(({ call_id: id, fn_name: name, fn_arguments: given }) => {
        return { type: 'tool_call', id, name, arguments: given };
      });
    case 'ToolResponse':
    case 'ToolResponses':
      return listOf(value)?.map(({ call_id: id, content: response }) => ({ type: 'tool_call_response', id, response }));
  }
  return undefined;
}

function textPartsOf(text: unknown): Fields[] | undefined {
  return typeof text === 'string' ? [{ type: 'text', text }] : undefined;
}

function listOf(value: unknown): Fields[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.every((item): item is Fields => isObject(item) && typeof item['call_id'] === 'string') ? list : undefined;
}
