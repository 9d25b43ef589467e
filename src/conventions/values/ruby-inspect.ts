/**
 * Reads lists and hashes as Ruby prints them: `[{:type=>"text", :text=>"Hi"}]`, `{"city"=>"Oslo"}`, and as newer releases do,
 * `[{type: "text"}]`. A text with anything else in it is not read.
 */
import { mayParse } from './text-weight.ts';

const START = /^(?:\[\s*\{|\{)\s*(?::\w+\s*=>|"[^"\\]{0,200}"\s*=>|[a-z_]\w*: )/;
/** A text, a key with its sign, and the word for nothing. A text that nothing ends goes to the end: it is looked through once. */
const TOKEN =
  /("[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?$))(\s{0,8}=>)?|:(\w{1,100})\s{0,8}=>|(?<!\w)([A-Za-z_]\w{0,100}): |\bnil\b/g;

/** Returns the value; undefined if the text is anything else. */
export function parseRubyInspect(text: string): unknown {
  if (!START.test(text) || !mayParse(text)) return undefined;
  const json = text.replace(TOKEN, (_token, quoted?: string, arrow?: string, symbol?: string, name?: string) => {
    if (quoted !== undefined) return `${withJsonEscapes(quoted)}${arrow === undefined ? '' : ':'}`;
    const key = symbol ?? name;
    return key === undefined ? 'null' : `"${key}":`;
  });
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** Ruby escapes the sign of a value in a text, `\#{`, and the escape character, `\e`. */
function withJsonEscapes(text: string): string {
  return text.includes('\\') ? text.replace(/\\(.)/g, (written, of: string) => ESCAPES[of] ?? written) : text;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '#': '#',
  e: '\\u001b',
  a: '\\u0007',
  v: '\\u000b',
  '0': '\\u0000',
};
