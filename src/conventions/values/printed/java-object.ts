/**
 * Reads bodies of Bedrock's Converse as AWS's SDK for Java prints them: `ConverseRequest(Messages=[Message(Role=user, …)])`. All
 * values are texts, and no class is kept.
 *
 * Java escapes nothing: a text ends where the next field of the same object, the next object of a list, or the end of both
 * follows. A text with a bracket that nothing closes is read where what stands around the brackets tells those of texts; otherwise
 * the whole is a text.
 */
import { type Budget, budgetNow, mayParse } from '../json/text-weight.ts';
import { type JavaBrackets, splitJava } from './java-split.ts';

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
  const parts = splitJava(text.slice(start.length, -1), BRACKETS, isBeforeField);
  if (!parts) return undefined;
  const fields: Fields = {};
  for (const field of parts) {
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
  return (
    splitJava(text.slice(1, -1), BRACKETS, isBeforeObject)?.map((item) => readValue(item, depth + 1, budget)) ?? text
  );
}

/** What stands before the bracket of an object, and after all of them. A text has others: `:)`. */
const BEFORE_OBJECT = /(?:^|[=[]|, )[A-Z]\w{0,60}$/;
const AFTER = /^(?:[)\]]|$|, [A-Z]\w{0,60}[=(])/;

function isOfStructure(text: string, at: number): boolean {
  const character = text[at];
  if (character === '[') return text[at - 1] === '=' && text[at + 1] !== ' ';
  if (character === '(') return BEFORE_OBJECT.test(text.slice(Math.max(at - 64, 0), at));
  return (character === ')' || character === ']') && AFTER.test(text.slice(at + 1, at + 65));
}

const BRACKETS: JavaBrackets = { opening: '([{', closing: ')]}', isOfStructure };

const isBeforeField = (text: string, at: number) => NEXT_FIELD.test(text.slice(at, at + 64));
const isBeforeObject = (text: string, at: number) => NEXT_OBJECT.test(text.slice(at, at + 64));
