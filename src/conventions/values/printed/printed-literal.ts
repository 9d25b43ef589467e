/**
 * Reads lists and objects as the programs of several languages print them, with texts in quotes: Ruby `{:role=>"user"}`, Elixir
 * `%{role: "user"}`, Clojure `{:role "user"}`, Node `{ role: 'user' }` and `Map(1) { 'a' => 1 }`, Swift `["role": "user"]`, Rust
 * `Message { role: User, content: Some("Hi") }`, Go's `%#v` `[]Message{Message{Role:"user"}}`, PHP's `var_export`
 * `array ( 'role' => 'user' )`, Perl's `$VAR1 = { 'role' => 'user' };`.
 *
 * A text with anything else in it is not read at all: half of a value would be wrong.
 */
import { exactNumberOf } from '../json/long-integers.ts';
import { budgetNow } from '../json/text-weight.ts';

/** No value of an LLM call is nested deeper. */
const MAX_DEPTH = 100;
/** What each value takes of what a span may have (`text-weight.ts`). */
const VALUE_WEIGHT = 20;

/** What may stand before a bracket: the name of a class, a sign of Elixir, Erlang or Clojure, a type of Go. */
const PREFIX = String.raw`%[\w.]{0,200}(?=\{)|#(?=\{)|#:[\w./-]{1,200}\s?(?=\{)|\[\](?:interface \{\}|any|\*?[\w.]{1,200})(?=\{)|(?:\[\])?map\[[\w.]{1,100}\](?:interface \{\}|any|\*?[\w.]{1,200})(?=\{)|\[Object: null prototype\] (?=\{)|<ref \*\d{1,6}> |\(object\) array(?=\()|\\?[\w\\]{1,200}::__set_state(?=\()|array \s{0,20}(?=\()|&?[A-Za-z_]\w{0,100}(?:(?:\.|::)\w{1,100}){0,9}(?:\(\d{1,9}\))? ?(?=[{(])`;
/** Brackets, and then a key as JSON has none. */
const START = new RegExp(
  String.raw`^\s{0,20}(?:\$VAR1 = )?(?:(?:${PREFIX})?[[({]\s{0,100}){1,8}(?::[\w./*+!?-]{1,100}[\s=]|"[^"\\\n]{0,200}"(?:\s{0,8}=>|\s{1,8}(?:["[{\d]|:(?!true|false|null)[A-Za-z]))|'[^'\\\n]{0,200}'\s{0,8}(?:=>|:)|[A-Za-z_$][\w$]{0,100}\s{0,4}(?:: |:\n|:"|:\[|=>)|0 =>)`,
);
/** A dictionary of Swift, a map of Go. */
const DICTIONARY =
  /^\s{0,20}(?:\[\s{0,20}(?:\[\s{0,20})?|(?:\[\])?map\[\w{1,100}\](?:interface \{\}|any|\*?[\w.]{1,200})\{(?:\{\s{0,20})?)"[^"\\\n]{0,200}"\s{0,4}:/;

const SPACE = /(?:[\s,]|\.\.\. \d{1,9} more items?)+/y;
const GAP = /\s+/y;
const OPEN = new RegExp(`(?:${PREFIX})?[[({]`, 'y');
const CONNECTOR = /\s*(?:=>|->)|:(?!:)|\s:(?=\s)/y;
const NUMBER = /[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?n?(?![\w.])/y;
const SYMBOL = /:(?:[\w.*+!?-]{1,100}\/)?([\w*+!?-]{1,100}|(?="))/y;
/** A word for nothing or a truth, the member of an enum. */
const WORD = /(?:nil|null|undefined|undef|true|false)\b|[A-Z]\w*(?:(?:\.|::)\w+)*/y;
const KEY = /[A-Za-z_$][\w$]{0,200}(?=\s{0,20}(?:=>|:(?!:)))/y;
/** What prints no value, and the mark before a text of Clojure that has a type. */
const OPAQUE =
  /\[(?:Object|Array|Circular \*\d{1,6}|Function[^\]]{0,200}|Symbol[^\]]{0,200}|Getter[^\]]{0,20})\]|#[\w.:]{1,200}<[^<>]{0,200}>|<Buffer [^>]{0,2000}>|\(\*[\w.]{1,100}\)\((?:0x[\da-f]{1,16}|nil)\)/y;
const TAG = /#[a-z]\w*\s+(?=")/y;

const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['nil', null],
  ['null', null],
  ['None', null],
  ['NULL', null],
  ['undef', null],
  ['undefined', null],
  ['NaN', null],
  ['true', true],
  ['false', false],
]);
const CLOSERS: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' };

/** As most values begin. It is found out sooner than what else they may be. */
const JSON_START = /^\[?\{"\w{1,40}":/;

/** Whether a text begins like such a value, and not like JSON. */
export function startsAsPrinted(text: string): boolean {
  return !JSON_START.test(text) && (START.test(text) || DICTIONARY.test(text));
}

/** Returns the list or the object; undefined if the text is anything else, or would take too long. */
export function parsePrinted(text: string): unknown {
  if (!startsAsPrinted(text)) return undefined;
  try {
    const [, dumped] = DUMPED.exec(text) ?? [];
    const reader = new PrintedReader(dumped ?? text, dumped !== undefined || PHP.test(text));
    const value = reader.value(0);
    return reader.isAtEnd && typeof value === 'object' ? (value ?? undefined) : undefined;
  } catch (error) {
    if (error instanceof NotPrinted) return undefined;
    throw error;
  }
}

/** What Perl's Data::Dumper prints around a value. */
const DUMPED = /^\$VAR1 = ([\s\S]*);\s*$/;
const PHP = /^(?:\(object\) )?array ?\(|^\\?[\w\\]{1,200}::__set_state\(/;

class NotPrinted extends Error {}

class PrintedReader {
  readonly #text: string;
  /** Whether texts in single quotes have no escapes but those of the quote and of the backslash. */
  readonly #isRaw: boolean;
  readonly #budget = budgetNow();
  #at = 0;

  constructor(text: string, isRaw: boolean) {
    this.#text = text;
    this.#isRaw = isRaw;
  }

  get isAtEnd(): boolean {
    this.#match(GAP);
    return this.#at >= this.#text.length;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH || !this.#budget.spend(VALUE_WEIGHT)) throw new NotPrinted();
    this.#match(GAP);
    const character = this.#text[this.#at];
    if (character === '"' || character === "'" || character === '`') return this.#texts(character);
    const number = this.#match(NUMBER);
    if (number !== undefined) return exactNumberOf(number.endsWith('n') ? number.slice(0, -1) : number);
    const opaque = this.#match(OPAQUE);
    if (opaque !== undefined) return opaque;
    const opening = this.#match(OPEN);
    if (opening !== undefined) return this.#entries(opening, depth);
    if (this.#match(TAG) !== undefined) return this.value(depth + 1);
    const symbol = this.#match(SYMBOL);
    // A symbol with other characters is in quotes.
    if (symbol !== undefined)
      return symbol === ':' ? this.value(depth + 1) : symbol.slice(symbol.lastIndexOf('/') + 1).replace(/^:/, '');
    const word = this.#match(WORD);
    if (word === undefined || depth === 0) throw new NotPrinted();
    return WORDS.has(word) ? WORDS.get(word) : word;
  }

  /** Keys and values become an object, anything else a list. Both are apart by commas, spaces or lines. */
  #entries(opening: string, depth: number): unknown {
    const closer = CLOSERS[opening.at(-1)!]!;
    /** A key of Clojure has nothing between itself and its value. */
    const mayPair = opening === '{' || opening.startsWith('#:');
    const entries: [string, unknown][] = [];
    const items: unknown[] = [];
    for (this.#match(SPACE); !this.#take(closer); this.#match(SPACE)) {
      const isKeyword = this.#text[this.#at] === ':';
      const first = this.#match(KEY) ?? this.value(depth + 1);
      if (this.#match(CONNECTOR) !== undefined) entries.push([keyOf(first), this.value(depth + 1)]);
      else if (mayPair && items.length === 0 && this.#isBeforeValue()) {
        const key = keyOf(first);
        entries.push([isKeyword ? key.replaceAll('-', '_') : key, this.value(depth + 1)]);
      } else items.push(first);
      if (entries.length > 0 && items.length > 0) throw new NotPrinted();
    }
    if (entries.length > 0) {
      const fields = Object.fromEntries(entries.filter(([key]) => key !== '__proto__'));
      // No program prints a key twice: one of them is in the words of a text.
      if (new Set(entries.map(([key]) => key)).size < entries.length) throw new NotPrinted();
      // PHP has indexes in a list.
      const isList = opening.startsWith('array') && entries.every(([key], index) => key === `${index}`);
      return isList ? entries.map(([, value]) => value) : fields;
    }
    if (items.length === 0 && closer === '}') return {};
    // `Some("Hi")`, `Optional("Hi")`, `bless( { … }, 'Class' )`.
    const isWrapper = items.length === 1 || opening === 'bless(';
    return opening.length > 1 && closer === ')' && isWrapper ? items[0] : items;
  }

  #isBeforeValue(): boolean {
    this.#match(GAP);
    const next = this.#text[this.#at];
    return next !== undefined && next !== ',' && next !== '}';
  }

  /** Node breaks long texts into several. */
  #texts(quote: string): string {
    let text = this.#quoted(quote);
    while (this.#match(MORE) !== undefined) text += this.#quoted(this.#text[this.#at]!);
    return text;
  }

  #quoted(quote: string): string {
    const start = this.#at + 1;
    const end = endOf(this.#text, quote, start);
    const raw = this.#text.slice(start, end);
    this.#at = end + 1;
    if (!raw.includes('\\')) return raw;
    return this.#isRaw && quote === "'" ? raw.replace(/\\(['\\])/g, '$1') : unescaped(raw);
  }

  #take(character: string): boolean {
    if (this.#at >= this.#text.length) throw new NotPrinted();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    const start = this.#at;
    pattern.lastIndex = start;
    if (!pattern.test(this.#text)) return undefined;
    this.#at = pattern.lastIndex;
    return this.#text.slice(start, this.#at);
  }
}

const MORE = /\s*\+\s*(?=["'`])/y;

function endOf(text: string, quote: string, start: number): number {
  for (let end = text.indexOf(quote, start); end >= 0; end = text.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\' && end - 1 - slashes >= start) slashes++;
    if (slashes % 2 === 0) return end;
  }
  throw new NotPrinted();
}

function keyOf(key: unknown): string {
  if (typeof key === 'object' && key !== null) throw new NotPrinted();
  return `${key}`;
}

const ESCAPE = /\\(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|([\s\S]))/gi;
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', e: '\u001b', a: '\u0007', '0': '\0', '\n': '' },
};

function unescaped(raw: string): string {
  return raw.replace(ESCAPE, (_escape, braced?: string, unit?: string, byte?: string, one?: string) => {
    const code = braced ?? unit ?? byte;
    if (code === undefined) return ESCAPES[one!] ?? one!;
    const point = Number.parseInt(code, 16);
    return point <= MAX_POINT ? String.fromCodePoint(point) : '\ufffd';
  });
}

const MAX_POINT = 0x10ffff;
