/**
 * Reads arrays and objects as PHP's `print_r` prints them, a line for each field. All values are texts, for it is not known which
 * of them were numbers; texts may have several lines.
 */
import { budgetNow, mayParse } from '../json/text-weight.ts';

const MAX_DEPTH = 32;
/** What each line takes of what a span may have (`text-weight.ts`). */
const LINE_WEIGHT = 20;
const START = /^(?:Array|[\w\\]{1,200} Object)\r?\n\(\r?\n/;
const NESTED = /^(?:Array|[\w\\]{1,200} Object)$/;
/** The names of classes and of their private fields are beside those of the fields. */
const FIELD = /^\[([^\]\n:]{1,200})(?::[^\]\n]{1,200})?\] => ?(.*)$/;
const STEP = 4;

type Fields = Record<string, unknown>;

/** Returns the list or the object; undefined if the text is anything else. */
export function phpArrayIn(value: unknown): Fields | unknown[] | undefined {
  if (typeof value !== 'string' || !START.test(value) || !mayParse(value)) return undefined;
  const lines = value.trimEnd().split(/\r?\n/);
  if (!budgetNow().spend(lines.length * LINE_WEIGHT)) return undefined;
  const reader = new LineReader(lines);
  const found = reader.block(0, 0);
  return reader.isAtEnd ? found : undefined;
}

class LineReader {
  readonly #lines: readonly string[];
  #at = 1;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#lines.length;
  }

  /** Reads from the line with the opening bracket to that after the closing one; undefined if there is none. */
  block(indent: number, depth: number): Fields | unknown[] | undefined {
    const margin = ' '.repeat(indent);
    if (depth > MAX_DEPTH || this.#lines[this.#at] !== `${margin}(`) return undefined;
    const entries: [string, unknown][] = [];
    for (this.#at++; this.#lines[this.#at] !== `${margin})`; ) {
      const field = FIELD.exec(this.#fieldAt(indent + STEP) ?? '');
      if (!field) return undefined;
      const [, key = '', text = ''] = field;
      this.#at++;
      const value = NESTED.test(text) ? this.block(indent + STEP * 2, depth + 1) : this.#textFrom(text, indent);
      if (value === undefined) return undefined;
      entries.push([key, value]);
    }
    this.#at++;
    // An inner block has an empty line after it.
    if (depth > 0 && this.#lines[this.#at] === '') this.#at++;
    const isList = entries.length > 0 && entries.every(([key], index) => key === `${index}`);
    return isList
      ? entries.map(([, value]) => value)
      : Object.fromEntries(entries.filter(([key]) => key !== '__proto__'));
  }

  #fieldAt(indent: number): string | undefined {
    const line = this.#lines[this.#at];
    return line?.startsWith(`${' '.repeat(indent)}[`) ? line.slice(indent) : undefined;
  }

  /** Adds the lines up to the next field, or the end of the block. */
  #textFrom(first: string, indent: number): string | undefined {
    let text = first;
    const end = `${' '.repeat(indent)})`;
    while (this.#lines[this.#at] !== end && !FIELD.test(this.#fieldAt(indent + STEP) ?? '')) {
      const line = this.#lines[this.#at++];
      if (line === undefined) return undefined;
      text += `\n${line}`;
    }
    return text;
  }
}
