/**
 * Reads texts that were put between quotes without escaping them: lists as Spring AI writes them, `["Be brief.", "Say "hi""]`,
 * and objects as Semantic Kernel does, `{"role": system, "content": "Hi"}`, whose words have no quotes at all.
 */
import { stringEnd } from './string-end.ts';

/**
 * Returns the texts of the list; undefined if the text is no such list, or JSON. A text may have what stands between two
 * texts in itself, as JSON has: one with an odd number of quotes goes on until they are even.
 */
export function unescapedListIn(text: string): string[] | undefined {
  if (text === '[]') return [];
  if (!text.startsWith('["') || !text.endsWith('"]') || text.length < 4 || isJson(text)) return undefined;
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const BARE_ROLE = /"role":\s?(?:system|developer|user|assistant|tool)\s?[,}]/i;
const BARE_WORD = /(:\s*)(?!(?:true|false|null)\b)([A-Za-z_][\w.-]*)(?=\s*[,}])/g;

/** Returns JSON with quotes around the words that lack them; undefined if no role does, or the text ends in a string. */
export function withQuotedWords(text: string): string | undefined {
  if (!BARE_ROLE.test(text)) return undefined;
  let json = '';
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    if (quote < 0) break;
    const end = stringEnd(text, quote + 1);
    if (end < 0) return undefined;
    json += text.slice(at, quote).replace(BARE_WORD, '$1"$2"') + text.slice(quote, end + 1);
    at = end + 1;
  }
  return json + text.slice(at).replace(BARE_WORD, '$1"$2"');
}

const MESSAGE = /^(\w{1,40}), "content:" ([\s\S]*)$/;

/** Returns messages as Semantic Kernel's first releases wrote them: `[{"role:" system, "content:" Be brief}]`. */
export function unescapedMessagesIn(text: string): { role: string; content: string }[] | undefined {
  if (!text.startsWith('[{"role:" ') || !text.endsWith('}]')) return undefined;
  const messages: { role: string; content: string }[] = [];
  for (const message of text.slice('[{"role:" '.length, -'}]'.length).split('}, \n{"role:" ')) {
    const [, role, content] = MESSAGE.exec(message) ?? [];
    if (role === undefined || content === undefined) return undefined;
    messages.push({ role, content });
  }
  return messages;
}
