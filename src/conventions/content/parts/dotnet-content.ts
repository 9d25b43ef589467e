/**
 * Contents of a message that Microsoft.Extensions.AI has no part for: it writes the name of their class as the type, and their
 * JSON. A call that waits for approval has the call in it; whether it was approved is nobody's words.
 */
import { isObject } from '../../../wire/json.ts';

type Fields = Record<string, unknown>;

export function isDotNetClass(type: unknown): boolean {
  return typeof type === 'string' && /^(?:[A-Z]\w*\.)+[A-Z]\w*Content$/.test(type);
}

/** Returns the content, or the call in it; undefined if it is not to be shown. */
export function dotNetContentOf({ content }: Fields): Fields | undefined {
  if (!isObject(content) || /response/i.test(`${content['$type']}`)) return undefined;
  return [content['toolCall'], content['functionCall']].find(isObject) ?? content;
}
