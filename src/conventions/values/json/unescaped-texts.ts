/**
 * Reads texts that were put between quotes without escaping them: lists as Spring AI writes them, `["Be brief.", "Say "hi""]`,
 * and objects as Semantic Kernel does, `{"role": system, "content": "Hi"}`, whose words have no quotes at all.
 */
import { parseJson } from '../../../wire/json.ts';
import { replaceOutsideStrings, stringEnd } from './string-end.ts';
import { budgetNow, mayParse } from './text-weight.ts';

/**
 * Returns the texts of the list; undefined if the text is no such list, JSON, or too much to parse. A text may have what
 * stands between two texts in itself, as JSON has: one with an odd number of quotes goes on until they are even.
 */
export function unescapedListIn(text: string): string[] | undefined {
  if (text === '[]') return [];
  if (!text.startsWith('["') || !text.endsWith('"]') || text.length < 4) return undefined;
  if (!mayParse(text) || parseJson(text) !== undefined) return undefined;
  const pieces = text.slice(2, -2).split(BETWEEN);
  const isOdd = pieces.map(hasOddQuotes);
  const texts: string[] = [];
  for (let at = 0, end = 0; at < pieces.length; at = end) {
    const last = isOdd[at] ? isOdd.indexOf(true, at + 1) : at;
    end = (last < 0 ? at : last) + 1;
    texts.push(pieces.slice(at, end).join(BETWEEN));
  }
  return texts;
}

const BETWEEN = '", "';

/** Escaped quotes do not count: JSON has them inside its strings. */
function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let quote = stringEnd(text, 0); quote >= 0; quote = stringEnd(text, quote + 1)) isOdd = !isOdd;
  return isOdd;
}

const BARE_ROLE = /"role":\s?(?:system|developer|user|assistant|tool)\s?[,}]/i;
const BARE_WORD = /(:\s*)(?!(?:true|false|null)\b)([A-Za-z_][\w.-]*)(?=\s*[,}])/g;

/** Returns JSON with quotes around the words that lack them; undefined if no role does. */
export function withQuotedWords(text: string): string | undefined {
  return BARE_ROLE.test(text) ? replaceOutsideStrings(text, BARE_WORD, '$1"$2"') : undefined;
}

/** Of what a span may have. */
const MESSAGE_WEIGHT = 20;
const MESSAGE = /^(\w{1,40}), "content:" ([\s\S]*)$/;

/** Returns messages as Semantic Kernel's first releases wrote them: `[{"role:" system, "content:" Be brief}]`. */
export function unescapedMessagesIn(text: string): { role: string; content: string }[] | undefined {
  if (!text.startsWith('[{"role:" ') || !text.endsWith('}]')) return undefined;
  const messages: { role: string; content: string }[] = [];
  const budget = budgetNow();
  const most = Math.max(0, budget.weight / MESSAGE_WEIGHT) + 1;
  for (const message of text.slice('[{"role:" '.length, -'}]'.length).split('}, \n{"role:" ', most)) {
    const [, role, content] = MESSAGE.exec(message) ?? [];
    if (role === undefined || content === undefined || !budget.spend(MESSAGE_WEIGHT)) return undefined;
    messages.push({ role, content });
  }
  return messages;
}
