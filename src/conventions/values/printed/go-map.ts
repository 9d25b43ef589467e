/**
 * Reads maps and structs as Go prints them with `%v` and `%+v`: `map[city:New York days:[1 2]]`, `&{City:Paris Near:<nil>}`. All
 * values are texts, for it is not known which of them were numbers; `<nil>` is null.
 */
import { type Budget, budgetNow, mayParse } from '../json/text-weight.ts';

const MAX_DEPTH = 32;
/** What is looked at to find the spaces, of what a span may have (`text-weight.ts`): a map's text is in that around it. */
const CHARS_OF_WEIGHT = 16;
const KEY = String.raw`[A-Za-z_][\w.-]{0,100}:`;
/** Nothing is between a key and its value. An empty text is nothing itself: another key follows it, or the end. */
const KEY_OF_VALUE = String.raw`${KEY}(?:(?![\s"':/])| (?=${KEY})|(?=[}\]]?$))`;
const START = new RegExp(String.raw`^(?:map\[|&?\{)${KEY_OF_VALUE}`);
/** A space that is not part of a text: a key follows, and not the beginning of a URL. */
const NEXT_KEY = new RegExp(`^ ${KEY_OF_VALUE}`);

type Fields = Record<string, unknown>;

/** Returns the map; undefined if the text is anything else. */
export function goMapIn(value: unknown): Fields | undefined {
  if (typeof value !== 'string' || !START.test(value) || !mayParse(value)) return undefined;
  return readMap(value.trim(), 0, budgetNow());
}

function readMap(text: string, depth: number, budget: Budget): Fields | undefined {
  const isMap = text.startsWith('map[');
  if (depth > MAX_DEPTH || !text.endsWith(isMap ? ']' : '}')) return undefined;
  if (!budget.spend(text.length / CHARS_OF_WEIGHT)) return undefined;
  const entries = split(text.slice(text.indexOf(isMap ? '[' : '{') + 1, -1), NEXT_KEY)?.map(
    (item): [string, unknown] => {
      const colon = item.indexOf(':');
      return [item.slice(0, colon), readValue(item.slice(colon + 1), depth + 1, budget)];
    },
  );
  // A key that comes twice is part of a text.
  if (!entries || new Set(entries.map(([key]) => key)).size < entries.length) return undefined;
  return Object.fromEntries(entries.filter(([key]) => key !== '__proto__'));
}

function readValue(text: string, depth: number, budget: Budget): unknown {
  if (text === '<nil>') return null;
  if (text === 'map[]' || text === '{}' || text === '&{}') return {};
  if (START.test(text)) return readMap(text, depth, budget) ?? text;
  if (text === '[]') return [];
  if (!text.startsWith('[') || !text.endsWith(']') || depth > MAX_DEPTH) return text;
  if (!budget.spend(text.length / CHARS_OF_WEIGHT)) return text;
  return split(text.slice(1, -1), SPACE)?.map((item) => readValue(item, depth + 1, budget)) ?? text;
}

const SPACE = /^ /;
/** Of two keys. */
const MAX_KEY_CHARS = 220;

/** Splits at the spaces outside of brackets that begin like this; undefined if the brackets do not match. */
function split(text: string, gap: RegExp): string[] | undefined {
  const items: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    else if (character === ' ' && depth === 0 && gap.test(text.slice(at, at + MAX_KEY_CHARS))) {
      items.push(text.slice(from, at));
      from = at + 1;
    }
    if (depth < 0) return undefined;
  }
  items.push(text.slice(from));
  return depth === 0 ? items : undefined;
}
