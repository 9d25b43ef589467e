/**
 * Reads bodies of Bedrock's Converse as AWS's SDK for Java prints them: `ConverseRequest(Messages=[Message(Role=user, …)])`. All
 * values are texts, and no class is kept.
 *
 * Java escapes nothing: a text ends where the next field of the same object, the next object of a list, or the end of both
 * follows. A text with a bracket that nothing closes makes the whole a text.
 */
import { type Budget, budgetNow, mayParse } from './text-weight.ts';

const MAX_DEPTH = 16;
/** What is looked at to find the commas, of what a span may have: an object's text is in that around it. */
const CHARS_OF_WEIGHT = 16;
const BODY = /^Converse(?:Request|Response)\(/;
const OBJECT = /^[A-Z]\w*\((?=[A-Z]\w*=|\)$)/;
const NEXT_FIELD = /^, [A-Z]\w*=/;
const NEXT_OBJECT = /^, [A-Z]\w*\(/;

type Fields = Record<string, unknown>;

/** Returns the body; undefined if the text is anything else. */
export function javaObjectIn(text: string): Fields | undefined {
  return BODY.test(text) && mayParse(text) ? readObject(text, 0, budgetNow()) : undefined;
}

function readObject(text: string, depth: number, budget: Budget): Fields | undefined {
  const start = OBJECT.exec(text)?.[0];
  if (start === undefined || depth > MAX_DEPTH || !text.endsWith(')')) return undefined;
  if (!budget.spend(text.length / CHARS_OF_WEIGHT)) return undefined;
  const fields: Fields = {};
  for (const field of split(text.slice(start.length, -1), NEXT_FIELD) ?? [text]) {
    const equals = field.indexOf('=');
    const name = field.slice(0, equals);
    if (equals < 1 || name in fields) return undefined;
    fields[name] = readValue(field.slice(equals + 1), depth + 1, budget);
  }
  return fields;
}

function readValue(text: string, depth: number, budget: Budget): unknown {
  if (OBJECT.test(text)) return readObject(text, depth, budget) ?? text;
  if (!/^\[[A-Z]\w*\(/.test(text) || !text.endsWith(']') || depth > MAX_DEPTH) return text;
  if (!budget.spend(text.length / CHARS_OF_WEIGHT)) return text;
  return split(text.slice(1, -1), NEXT_OBJECT)?.map((item) => readValue(item, depth + 1, budget)) ?? text;
}

/** Splits at what follows outside of brackets; undefined if the brackets do not match. */
function split(text: string, next: RegExp): string[] | undefined {
  const items: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '(' || character === '[' || character === '{') depth++;
    else if (character === ')' || character === ']' || character === '}') depth--;
    else if (character === ',' && depth === 0 && next.test(text.slice(at, at + 64))) {
      items.push(text.slice(from, at));
      from = at + 2;
    }
    if (depth < 0) return undefined;
  }
  items.push(text.slice(from));
  return depth === 0 ? items : undefined;
}
