/**
 * Reads texts that were put between quotes without escaping them: lists as Spring AI writes them, `["Be brief.", "Say "hi""]`,
 * and objects as Semantic Kernel does, `{"role": system, "content": "Hi"}`, whose words have no quotes at all.
 */
import { stringEnd } from './python-json.ts';

/** Returns the texts of the list; undefined if the text is no such list, or JSON. */
export function unescapedListIn(text: string): string[] | undefined {
  if (text === '[]') return [];
  if (!text.startsWith('["') || !text.endsWith('"]') || text.length < 4 || isJson(text)) return undefined;
  return text.slice(2, -2).split('", "');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const BARE_ROLE = /"role":\s?[A-Za-z]/;
const BARE_WORD = /(:\s*)(?!(?:true|false|null)\b)([A-Za-z_][\w.-]*)(?=\s*[,}])/g;

/** Returns the text with quotes around the words that lack them. Only texts with a role are such objects. */
export function withQuotedWords(text: string): string {
  if (!BARE_ROLE.test(text)) return text;
  let json = '';
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    if (quote < 0) break;
    const end = stringEnd(text, quote + 1);
    if (end < 0) return text;
    json += text.slice(at, quote).replace(BARE_WORD, '$1"$2"') + text.slice(quote, end + 1);
    at = end + 1;
  }
  return json + text.slice(at).replace(BARE_WORD, '$1"$2"');
}

/** Returns messages as Semantic Kernel's first releases wrote them: `[{"role:" system, "content:" Be brief}]`. */
export function unescapedMessagesIn(text: string): { role: string; content: string }[] | undefined {
  if (!text.startsWith('[{"role:" ') || !text.endsWith('}]')) return undefined;
  const messages = text.slice('[{"role:" '.length, -'}]'.length).split('}, \n{"role:" ');
  return messages.map((message) => {
    const [role = '', ...content] = message.split(', "content:" ');
    return { role, content: content.join(', "content:" ') };
  });
}
