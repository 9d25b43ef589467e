/**
 * Items of an answer as Python prints the objects of a provider's SDK, `ResponseFunctionToolCall(name='f', …)`, where an
 * instrumentation takes each item that it does not know for a text.
 */
import { isObject } from '../../../wire/json.ts';
import { parsePythonLiteral } from '../../values/printed/python-literal.ts';

/** Classes of the SDKs of OpenAI, Anthropic and MCP. A model that writes code writes other objects, which are its words. */
const START =
  /\[?(?:(?:Parsed)?Response[A-Z]\w*|(?:Parsed)?ChatCompletion[A-Z]\w*|\w*[a-z](?:Block|Content|ToolCall))\(\w+=/y;
const CLOSING_PARENTHESIS = 0x29;
const CLOSING_BRACKET = 0x5d;

/** Whether this part of a text may be such items, which have a type. */
export function mayBePrinted(text: string, from = 0, end: number = text.length): boolean {
  const isList = text.charCodeAt(end - 1) === CLOSING_BRACKET;
  if (text.charCodeAt(isList ? end - 2 : end - 1) !== CLOSING_PARENTHESIS) return false;
  START.lastIndex = from;
  return START.test(text);
}

/** Returns the items, each with its type; undefined for any other text. A message of the Responses API has its blocks. */
export function printedItemsIn(text: string): Record<string, unknown>[] | undefined {
  if (!mayBePrinted(text) || !text.includes('type=')) return undefined;
  const parsed = parsePythonLiteral(text);
  const items: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return items.every(isItem) ? items : undefined;
}

function isItem(value: unknown): value is Record<string, unknown> {
  return isObject(value) && typeof value['type'] === 'string';
}
