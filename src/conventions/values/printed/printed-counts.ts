/**
 * Reads numbers by their names as any language prints an object: Java `{input=5, output=3}` and `Usage[inputTokens=5]`, Go
 * `map[input:5]`, .NET `Usage { InputTokens = 5 }`, Ruby `{:input=>5}`, Rust `Usage { input: Some(5) }`, PHP
 * `Array ( [input] => 5 )`, Perl `$VAR1 = { 'input' => 5 };`, Scala `Map(input -> 5)`, Clojure `{:input-tokens 5}`, Python `OrderedDict([('input', 5)])`.
 *
 * Only for places where nothing but counts can be: words and lists are skipped, and brackets need not match.
 */

type Fields = Record<string, unknown>;

/** No object of counts is longer. */
const MAX_CHARS = 4_000;
/**
 * A name with what stands before its value, a name of Clojure, one that begins a pair, a number that is no part of a word, a
 * bracket or a comma.
 */
const TOKEN =
  /(?:\["?(?=\w{1,100}"?\] ?=>))?(?<![\w$])([A-Za-z_]\w{0,100})["'\]]{0,2}(?:>>)?\s{0,4}(?:=>|->|[=:])|(?<!\w):(?:[\w.-]{1,100}\/)?([A-Za-z][\w-]{0,100})\s{1,4}(?=[-\d{])|(?<=[([])["']([A-Za-z_]\w{0,100})["'],\s{0,4}(?=[-\d[{(\w])|(?<![\w.-])(-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?)(?![\w.])|[{[(]|[)}\]]|,/g;

/** What is in one pair of brackets. */
interface Frame {
  readonly fields: Fields;
  /** Whose value comes next. */
  name?: string | undefined;
  /** A number without a name: `Optional[5]`. */
  lone?: number | undefined;
  /** `('input', 5)`. */
  isPair?: boolean;
}

/** Returns the numbers, nested ones in objects; undefined if the text has none with a name. */
export function printedCountsIn(text: string): Fields | undefined {
  if (text.length > MAX_CHARS) return undefined;
  const root: Frame = { fields: {} };
  const open = [root];
  for (const [token, name, keyword, first, number] of text.matchAll(TOKEN)) {
    const frame = open.at(-1)!;
    if (name !== undefined) frame.name = name;
    else if (keyword !== undefined) frame.name = keyword.replaceAll('-', '_');
    else if (first !== undefined) Object.assign(frame, { name: first, isPair: true });
    else if (number !== undefined) setValue(frame, Number(number));
    else if (token === ',') frame.name = undefined;
    else if (/[{[(]/.test(token)) open.push({ fields: {} });
    else if (open.length > 1) close(open);
  }
  while (open.length > 1) close(open);
  return isEmpty(root.fields) ? undefined : root.fields;
}

function close(open: Frame[]): void {
  const { fields, lone, isPair } = open.pop()!;
  const around = open.at(-1)!;
  if (isPair) Object.assign(around.fields, fields);
  else if (!isEmpty(fields)) setValue(around, fields);
  else if (lone !== undefined) setValue(around, lone);
  around.name = undefined;
}

/** Brackets around brackets say nothing: `Optional[Details{cachedTokens=5}]`. */
function setValue(frame: Frame, value: Fields | number): void {
  if (frame.name === '__proto__') return;
  if (frame.name !== undefined) frame.fields[frame.name] = value;
  else if (typeof value === 'number') frame.lone ??= value;
  else if (isEmpty(frame.fields)) Object.assign(frame.fields, value);
  frame.name = undefined;
}

function isEmpty(fields: Fields): boolean {
  for (const _name in fields) return false;
  return true;
}
