/** Reads what is escaped in strings as Python writes them. */
import { parseJson } from '../../../wire/json.ts';

const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/y;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0' };

/** The engine is ten times as fast. Returns undefined where JSON does not have all that is escaped. */
export function unescapedAsJson(raw: string): string | undefined {
  const text = parseJson(`"${raw.replaceAll("\\'", "'").replaceAll('"', '\\"')}"`);
  return typeof text === 'string' ? text : undefined;
}

export function unescaped(raw: string): string {
  let text = '';
  let from = 0;
  for (let at = raw.indexOf('\\'); at >= 0; at = raw.indexOf('\\', from)) {
    ESCAPE.lastIndex = at;
    const [whole, x, u, long, other] = ESCAPE.exec(raw)!;
    text += raw.slice(from, at) + readEscape(whole, x, u, long, other);
    from = at + whole.length;
  }
  return text + raw.slice(from);
}

function readEscape(whole: string, x?: string, u?: string, long?: string, other?: string): string {
  const code = x ?? u ?? long;
  if (code !== undefined) {
    const point = Number.parseInt(code, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  }
  // A backslash before the end of a line continues the string.
  return other === '\n' ? '' : (ESCAPED[other as string] ?? (other as string));
}
