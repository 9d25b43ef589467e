/**
 * Reads what Python's `repr` and `str` write where other sources write JSON: `{'role': 'user', 'name': None}`.
 *
 * Beside dicts, lists, tuples, sets, strings, bytes and numbers it reads members of enums (`<Role.USER: 'user'>` becomes
 * the value, `Role.USER` a text), objects (`Choice(index=0, message=…)` becomes its named arguments), dates, and what has no
 * value to be read (`<Session object at 0x7f>` stays a text). A text with anything else in it is not read at all: half of a
 * value would be wrong.
 */
import { exactNumberOf } from '../json/long-integers.ts';
import { TextEnds } from '../json/string-end.ts';
import { budgetNow } from '../json/text-weight.ts';
import { dateOf, withPrintedClass } from './python-classes.ts';
import { unescaped, unescapedAsJson } from './python-escapes.ts';

/** No value of an LLM call is nested deeper. */
const MAX_DEPTH = 100;
/** What each value and each key takes of what a span may have (`text-weight.ts`). */
const VALUE_WEIGHT = 20;
/** What an object takes beside its values: messages are read by their classes. */
const OBJECT_WEIGHT = 120;
/** What an escaped character takes at least, and what it takes where it is not one of JSON. */
const ESCAPE_WEIGHT = 0.5;
const OWN_ESCAPE_WEIGHT = 3;
/** Texts that are shorter are read as soon by themselves. */
const MIN_JSON_CHARS = 256;
/** How such a text begins, and JSON does not. */
const START = /^[[({\s]{0,1000}(?:[rbu]?'|\(|(?:True|False|None)\b|[A-Za-z_][\w.]{0,200}\(|<\w)/;

const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['True', true],
  ['False', false],
  ['None', null],
  ['nan', null],
  ['inf', null],
]);

const SPACE = /\s+/y;
const SPACE_CODE = 0x20;
const MAX_ASCII = 0x7f;
const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?(?![\w.])|-inf\b/iy;
/** A generic class has its types in brackets: `ParsedChatCompletion[Weather](…)`. */
const NAME = /[A-Za-z_][\w.]*(?:\[[\w.,\s|[\]]{1,200}\](?=\())?/y;
/** Members of enums and modules, and arguments such as that of `TzInfo(UTC)`. */
const CONSTANT = /^[A-Za-z_]\w*(?:\.\w+)+$|^[A-Z][A-Z_]*$/;
const MAX_CONSTANT_CHARS = 200;
/** Classes, functions and objects that print no value. */
const OPAQUE =
  /<(?:class '[\w.<>]{1,200}'|[\w.<>]{1,200} object at 0x[\da-f]+|function [\w.<>]{1,200} at 0x[\da-f]+|\w+ len=\d+)>/y;
const MEMBER = /<[\w.]+: /y;
const STRING_START = /[rbuRBU]{0,2}(?=['"])/y;

/** Returns true if the text can be such a value, and cannot be JSON. */
export function startsAsPython(text: string): boolean {
  return START.test(text);
}

/** Returns the value; undefined if the text is not one, or would take too long. `None` becomes null. */
export function parsePythonLiteral(text: string): unknown {
  try {
    const reader = new LiteralReader(text);
    const value = reader.value(0);
    reader.skipSpace();
    return reader.isAtEnd ? value : undefined;
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
}

/**
 * Reads fields as Pydantic prints an object without its name: `content='sunny' name='weather'`. Returns undefined if the
 * text is anything else.
 */
export function parsePrintedFields(text: string): Record<string, unknown> | undefined {
  try {
    return new LiteralReader(text).printedFields();
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
}

class NotALiteral extends Error {}

class LiteralReader {
  readonly #text: string;
  readonly #ends: Readonly<Record<string, TextEnds>>;
  #at = 0;
  readonly #budget = budgetNow();
  /** Whether no text has an escaped character that JSON does not have: Python writes few of these. */
  #isEscapedAsJson = true;

  constructor(text: string) {
    this.#text = text;
    this.#ends = { "'": new TextEnds(text, "'"), '"': new TextEnds(text, '"') };
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skipSpace(): void {
    // Mostly there is none, or one.
    if (this.#text[this.#at] === ' ') this.#at++;
    if (this.#text.charCodeAt(this.#at) <= SPACE_CODE || this.#text.charCodeAt(this.#at) > MAX_ASCII)
      this.#match(SPACE);
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH || !this.#budget.spend(VALUE_WEIGHT)) throw new NotALiteral();
    this.skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#dictOrSet(depth);
      case '[':
        return this.#items('[', ']', depth);
      case '(':
        return this.#items('(', ')', depth);
      case '<':
        return this.#member(depth);
    }
    if (this.#match(STRING_START) !== undefined) return this.#string();
    const number = this.#match(NUMBER);
    if (number !== undefined) return number === '-inf' ? null : exactNumberOf(number);
    return this.#wordOrObject(depth);
  }

  printedFields(): Record<string, unknown> {
    const fields: [string, unknown][] = [];
    for (this.skipSpace(); !this.isAtEnd; this.skipSpace()) {
      const field = this.#fieldName();
      if (field === undefined) throw new NotALiteral();
      fields.push([field, this.value(0)]);
    }
    return Object.fromEntries(fields.filter(([key]) => key !== '__proto__'));
  }

  #items(open: string, close: string, depth: number): unknown[] {
    this.#expect(open);
    const items: unknown[] = [];
    while (!this.#take(close)) {
      if (items.length > 0) {
        this.#expect(',');
        if (this.#take(close)) break;
      }
      items.push(this.value(depth + 1));
    }
    return items;
  }

  #dictOrSet(depth: number): unknown {
    this.#expect('{');
    const entries: [string, unknown][] = [];
    const items: unknown[] = [];
    while (!this.#take('}')) {
      if (entries.length + items.length > 0) {
        this.#expect(',');
        if (this.#take('}')) break;
      }
      const key = this.value(depth + 1);
      if (this.#take(':')) entries.push([keyOf(key), this.value(depth + 1)]);
      else items.push(key);
    }
    if (entries.length > 0 && items.length > 0) throw new NotALiteral();
    return items.length > 0 ? items : Object.fromEntries(entries.filter(([key]) => key !== '__proto__'));
  }

  #member(depth: number): unknown {
    if (this.#match(MEMBER) === undefined) {
      const opaque = depth > 0 ? this.#match(OPAQUE) : undefined;
      if (opaque === undefined) throw new NotALiteral();
      return opaque;
    }
    const value = this.value(depth + 1);
    this.#expect('>');
    return value;
  }

  #string(): string {
    const ends = this.#ends[this.#text[this.#at]!]!;
    const start = this.#at + 1;
    const end = ends.endFrom(start, this.#budget.weight / ESCAPE_WEIGHT);
    if (ends.escapes > 0) this.#budget.spend(ends.escapes * ESCAPE_WEIGHT);
    if (end < 0) throw new NotALiteral();
    this.#at = end + 1;
    if (ends.escapes === 0) return this.#text.slice(start, end);
    return this.#unescaped(this.#text.slice(start, end), ends.escapes);
  }

  #unescaped(raw: string, escapes: number): string {
    if (this.#isEscapedAsJson && raw.length >= MIN_JSON_CHARS) {
      const text = unescapedAsJson(raw);
      if (text !== undefined) return text;
      this.#isEscapedAsJson = false;
    }
    if (!this.#budget.spend(escapes * (OWN_ESCAPE_WEIGHT - ESCAPE_WEIGHT))) throw new NotALiteral();
    return unescaped(raw);
  }

  #wordOrObject(depth: number): unknown {
    const name = this.#match(NAME);
    if (name === undefined) throw new NotALiteral();
    if (WORDS.has(name)) return WORDS.get(name);
    if (!this.#take('(')) {
      if (depth > 0 && name.length <= MAX_CONSTANT_CHARS && CONSTANT.test(name)) return name;
      throw new NotALiteral();
    }
    if (!this.#budget.spend(OBJECT_WEIGHT)) throw new NotALiteral();
    const fields: [string, unknown][] = [];
    const values: unknown[] = [];
    while (!this.#take(')')) {
      if (fields.length + values.length > 0) this.#expect(',');
      const field = this.#fieldName();
      const value = this.value(depth + 1);
      if (field === undefined) values.push(value);
      else fields.push([field, value]);
    }
    const named: Record<string, unknown> = Object.fromEntries(fields.filter(([key]) => key !== '__proto__'));
    if (values.length === 0) return withClass(name, named);
    return dateOf(name, values, named) ?? valueOfObject(name, values, fields.length);
  }

  #fieldName(): string | undefined {
    const before = this.#at;
    this.skipSpace();
    const name = this.#match(NAME);
    if (name !== undefined && this.#take('=')) return name;
    this.#at = before;
    return undefined;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw new NotALiteral();
  }

  #take(character: string): boolean {
    this.skipSpace();
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

/** The class of a message tells its role, and that of a part what it is; those of other objects are left out. */
function withClass(name: string, fields: Record<string, unknown>): Record<string, unknown> {
  const type = name.slice(name.lastIndexOf('.') + 1);
  if (MESSAGE.test(type)) return fields['type'] === undefined ? { type, ...fields } : fields;
  return withPrintedClass(type, fields);
}

/** Classes of LangChain and AutoGen. */
const MESSAGE = /^(?:System|Human|AI|User|Assistant|Tool|Function|FunctionExecutionResult)Message(?:Chunk)?$/;

/** Returns the text of `UUID('…')`, the pairs of an ordered dict as an object, and the values of any other class. */
function valueOfObject(name: string, values: readonly unknown[], namedCount: number): unknown {
  const last = values.at(-1);
  // `defaultdict(<class 'list'>, {…})`.
  if (name.endsWith('defaultdict')) return last;
  if (name.endsWith('OrderedDict') && Array.isArray(last)) {
    const pairs = last.filter((pair): pair is [string, unknown] => Array.isArray(pair) && typeof pair[0] === 'string');
    if (pairs.length === last.length) return Object.fromEntries(pairs.filter(([key]) => key !== '__proto__'));
  }
  return values.length === 1 && namedCount === 0 ? last : values;
}

function keyOf(key: unknown): string {
  if (typeof key === 'object' && key !== null) throw new NotALiteral();
  return `${key}`;
}
