/**
 * Reads JSON as Python's `json.dumps` writes it: `NaN`, `Infinity` and `-Infinity` stand bare where JSON has no word for
 * them. They become null; the same words inside strings stay. Python's own literals are read too.
 */
import { parseExactly } from '../json/long-integers.ts';
import { countUpTo, replaceOutsideStrings } from '../json/string-end.ts';
import { budgetNow } from '../json/text-weight.ts';
import { parsePythonLiteral, startsAsPython } from './python-literal.ts';

/** More of them are in no list that may be parsed. */
const MAX_BARE_WORDS = 50_000;
/** What an integer that no number can hold takes of what a span may have. */
const LONG_INTEGER_WEIGHT = 40;
const SHORT_CHARS = 1_000;
const BARE_WORD = /-?\b(?:NaN|Infinity)\b/g;

/** Returns the parsed text; undefined if it is neither JSON nor Python's. */
export function parsePythonJson(text: string): unknown {
  // To find out that a long text is no JSON takes long where that is seen late.
  if (text.length > SHORT_CHARS && startsAsPython(text)) return parsePythonLiteral(text);
  const budget = budgetNow();
  const mayHave = () => budget.spend(LONG_INTEGER_WEIGHT);
  try {
    return parseExactly(text, mayHave);
  } catch {
    if (startsAsPython(text)) return parsePythonLiteral(text);
    const json = fromPythonJson(text);
    if (json === text) return undefined;
    try {
      return parseExactly(json, mayHave);
    } catch {
      return undefined;
    }
  }
}

/** Returns the text with null for each number that JSON cannot write. Most texts are returned as they are. */
export function fromPythonJson(text: string): string {
  const words = countUpTo(MAX_BARE_WORDS + 1, text, 'NaN') + countUpTo(MAX_BARE_WORDS + 1, text, 'Infinity');
  if (words === 0 || words > MAX_BARE_WORDS) return text;
  return replaceOutsideStrings(text, BARE_WORD, 'null');
}
