/**
 * Reads maps as Java prints them: `{city=Paris, days=[1, 2]}`. All values are texts, for it is not known which of them were
 * numbers; `null` is null.
 */
import { type Budget, budgetNow, mayParse } from '../json/text-weight.ts';
import { type JavaBrackets, splitJava } from './java-split.ts';

const MAX_DEPTH = 32;
/** What is looked at to find the commas, of what a span may have (`text-weight.ts`): a map's text is in that around it. */
const CHARS_OF_WEIGHT = 16;
const START = /^\{[A-Za-z_$][\w$.-]*=/;
/** A comma that is not part of a text: a key follows. */
const NEXT_KEY = /^, [A-Za-z_$][\w$.-]*=/;

/** Returns the map; undefined if the text is anything else. */
export function javaMapIn(text: unknown): Record<string, unknown> | undefined {
  return typeof text === 'string' && START.test(text.trimStart()) && mayParse(text)
    ? readMap(text.trim(), 0, budgetNow())
    : undefined;
}

/** Returns a list of maps; undefined if the text is anything else. */
export function javaMapsIn(text: string): Record<string, unknown>[] | undefined {
  const list = /^\[\{[A-Za-z_$]/.test(text) && mayParse(text) ? readValue(text, 0, budgetNow()) : undefined;
  return Array.isArray(list) && list.every(isMap) ? list : undefined;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readMap(text: string, depth: number, budget: Budget): Record<string, unknown> | undefined {
  if (depth > MAX_DEPTH || !text.endsWith('}') || !START.test(text)) return undefined;
  if (!budget.spend(text.length / CHARS_OF_WEIGHT)) return undefined;
  const items = splitJava(text.slice(1, -1), BRACKETS, isBeforeKey);
  const entries = items?.map((item): [string, unknown] => {
    const equals = item.indexOf('=');
    return [item.slice(0, equals), readValue(item.slice(equals + 1), depth + 1, budget)];
  });
  // A key that comes twice is part of a text.
  if (!entries || new Set(entries.map(([key]) => key)).size < entries.length) return undefined;
  return Object.fromEntries(entries.filter(([key]) => key !== '__proto__'));
}

function readValue(text: string, depth: number, budget: Budget): unknown {
  if (text === 'null') return null;
  if (text === '[]') return [];
  if (text === '{}') return {};
  if (text.startsWith('{')) return readMap(text, depth, budget) ?? text;
  if (!text.startsWith('[') || !text.endsWith(']') || depth > MAX_DEPTH) return text;
  if (!budget.spend(text.length / CHARS_OF_WEIGHT)) return text;
  return (
    splitJava(text.slice(1, -1), BRACKETS, isBeforeItem)?.map((item) => readValue(item, depth + 1, budget)) ?? text
  );
}

/** What stands after the brackets of a map or a list. A text has others: `:]`. */
const AFTER = /^(?:[\]}]|$|, (?:[A-Za-z_$][\w$.-]*=|[{[]))/;

/** Values begin with their bracket. */
function isOfStructure(text: string, at: number): boolean {
  if (text[at] === '{' || text[at] === '[') return at === 0 || /[=[]$|, $/.test(text.slice(Math.max(at - 2, 0), at));
  return AFTER.test(text.slice(at + 1, at + 129));
}

const BRACKETS: JavaBrackets = { opening: '{[', closing: '}]', isOfStructure };

const isBeforeKey = (text: string, at: number) => NEXT_KEY.test(text.slice(at, at + 128));
const isBeforeItem = (text: string, at: number) => text[at + 1] === ' ';
