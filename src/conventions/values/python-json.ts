/**
 * Reads JSON as Python's `json.dumps` writes it: `NaN`, `Infinity` and `-Infinity` stand bare where JSON has no word for
 * them. They become null; the same words inside strings stay. Python's own literals are read too.
 */
import { parseExactly } from './long-integers.ts';
import { parsePythonLiteral, startsAsPython } from './python-literal.ts';
import { replaceOutsideStrings } from './string-end.ts';

const BARE_WORD = /-?\b(?:NaN|Infinity)\b/g;

/** Returns the parsed text; undefined if it is neither JSON nor Python's. */
export function parsePythonJson(text: string): unknown {
  try {
    return parseExactly(text);
  } catch {
    if (startsAsPython(text)) return parsePythonLiteral(text);
    const json = fromPythonJson(text);
    if (json === text) return undefined;
    try {
      return parseExactly(json);
    } catch {
      return undefined;
    }
  }
}

/** Returns the text with null for each number that JSON cannot write. Most texts are returned as they are. */
export function fromPythonJson(text: string): string {
  if (!text.includes('NaN') && !text.includes('Infinity')) return text;
  return replaceOutsideStrings(text, BARE_WORD, 'null');
}
