/**
 * One span while it is read: its attributes by key, and what was found out about them on the way.
 *
 * It is made once for all vocabularies that read the span, so the JSON at a key is parsed once, and all keys whose JSON
 * was cut are known in one place. The methods return a value of the named type or undefined, and never throw; see
 * `attributes.ts` for what counts as which type.
 */
import { keepShape } from '../../host/keep-shape.ts';
import { type Attributes, type SpanSlice, spanOfEvent } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { countOf, integerOf, jsonOf, nameOf, numberOf, stringOf, textOf, withoutQuotes } from './attributes.ts';

export class SpanFields {
  readonly span: SpanSlice;
  readonly attributes: Attributes;
  /** Keys whose JSON was cut by a value length limit. The log's metadata lists them as `truncated`. */
  readonly truncated: Set<string> = new Set();
  /** What the texts at these keys were parsed into. */
  #parsed: Map<string, unknown> | undefined;
  #keys: readonly string[] | undefined;

  constructor(span: SpanSlice) {
    this.span = span;
    this.attributes = span.attributes;
  }

  /** The keys of all attributes. */
  get keys(): readonly string[] {
    this.#keys ??= Object.keys(this.attributes);
    return this.#keys;
  }

  /** Returns a non-empty string. */
  string(key: string): string | undefined {
    return stringOf(this.attributes[key]);
  }

  /** Returns a string that may be empty, as a model's answer may be. */
  text(key: string): string | undefined {
    return textOf(this.attributes[key]);
  }

  /** Returns a finite number, also from its text. */
  number(key: string): number | undefined {
    return numberOf(this.attributes[key]);
  }

  /** Returns a whole number, also from its text. */
  integer(key: string): number | undefined {
    return integerOf(this.attributes[key]);
  }

  /** Returns a whole number of at least 0, such as a token count. */
  count(key: string): number | undefined {
    return countOf(this.attributes[key]);
  }

  /**
   * Returns what the JSON text at this key says, or the structured value there. Of cut JSON it returns what can be
   * saved. Returns undefined for other texts. The result is shared by all readers of the span: do not write to it.
   */
  json(key: string): unknown {
    const value = this.attributes[key];
    if (typeof value !== 'string') return jsonOf(value);
    this.#parsed ??= new Map();
    const known = this.#parsed.get(key);
    if (known !== undefined || this.#parsed.has(key)) return known;
    const parsed = this.jsonWithin(key, value);
    this.#parsed.set(key, parsed);
    return parsed;
  }

  /** Returns an object or a list like `json`, also from text that was encoded twice, and other values as they are. */
  structure(key: string): unknown {
    return withoutQuotes(this.json(key), () => this.truncated.add(key));
  }

  /** Returns an object (not a list), structured or parsed from JSON text, which may have been encoded twice. */
  object(key: string): Record<string, unknown> | undefined {
    const value = this.structure(key);
    return isObject(value) ? value : undefined;
  }

  /** Returns a list, structured or parsed from JSON text, which may have been encoded twice. */
  list(key: string): unknown[] | undefined {
    const value = this.structure(key);
    return Array.isArray(value) ? value : undefined;
  }

  /** Parses a text that is a part of the value at this key. */
  jsonWithin(key: string, text: unknown): unknown {
    return jsonOf(text, () => this.truncated.add(key));
  }

  /** Returns the first string at one of these keys that names something: `none` and its like do not. */
  firstName(...keys: readonly string[]): string | undefined {
    for (const key of keys) {
      const found = nameOf(this.attributes[key]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Returns the first of these keys at which there is a value, null not being one. */
  firstKey<Key extends string>(...keys: readonly Key[]): Key | undefined {
    for (const key of keys) if (this.attributes[key] !== undefined && this.attributes[key] !== null) return key;
    return undefined;
  }

  /** Returns the first non-empty string at one of these keys. */
  firstString(...keys: readonly string[]): string | undefined {
    for (const key of keys) {
      const found = stringOf(this.attributes[key]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

keepShape(new SpanFields(spanOfEvent('', '', { name: '' })));
