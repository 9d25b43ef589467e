/**
 * Contents of a message that Microsoft's frameworks have no part for: they write their JSON, and as the type the name of
 * their class in .NET, or their own type in Python. One that asks for approval has the call in it; whether it was approved is nobody's
 * words.
 */
import { isObject } from '../../../wire/json.ts';

type Fields = Record<string, unknown>;

const TYPE = /^(?:[A-Z]\w*\.)+[A-Z]\w*Content$|^function_approval_(?:request|response)$/;

export function isDotNetClass(type: unknown): boolean {
  return typeof type === 'string' && TYPE.test(type);
}

/** Returns the content, or the call in it; undefined if it is not to be shown. */
export function dotNetContentOf({ type, content }: Fields): Fields | undefined {
  if (!isObject(content) || /response/i.test(`${content['$type'] ?? type}`)) return undefined;
  const call = [content['toolCall'], content['functionCall'], content['function_call']].find(isObject);
  return call ? { type: 'tool_call', ...call } : content;
}
