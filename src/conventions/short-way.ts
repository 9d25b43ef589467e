/**
 * The short way from a span to its log: an optional second half of a vocabulary, for spans in its most common shape.
 *
 * Most of what a log costs are its texts: they are parsed out of an attribute, and then written again. A short way finds
 * them in the attribute's JSON and passes them on as they are, without either. It says exactly what the vocabulary's
 * `read` says, or nothing: whatever it does not know in full, be it an attribute, a value or the shape of a message, is
 * left to `read`, which alone defines what is right.
 */
import type { SpanSlice } from '../otel/span-slice.ts';
import { STATUS_ERROR } from '../otel/span-slice.ts';
import { isObject } from '../wire/json.ts';
import type { ModelTool } from '../wire/v4.ts';
import { countOf, integerOf, isFiller, MAX_NAME_CHARS, numberOf } from './values/attributes.ts';
import { toPlainObject } from './values/json/plain-json.ts';
import { parseWithin } from './values/json/text-weight.ts';
import { SpanFields } from './values/span-fields.ts';
import { isUnset } from './values/unset.ts';

/**
 * JSON in pieces: those at even places are structure, and those at odd places are the inside of JSON strings, copied
 * from an attribute. They may still have control characters, which JSON forbids: the writer finds them in the bytes.
 */
export type JsonPieces = string[];

export type PlainFields = Record<string, unknown>;

/** What a short way reads. The fields have the meaning of those of a `Reading`, or of the entries of its records. */
export class ShortReading {
  readonly convention: string;
  readonly kind: 'model' | 'tool' | 'agent';
  name: string | undefined = undefined;
  description: string | undefined = undefined;
  model: string | undefined = undefined;
  provider: string | undefined = undefined;
  maxTokens: number | undefined = undefined;
  temperature: number | undefined = undefined;
  topP: number | undefined = undefined;
  presencePenalty: number | undefined = undefined;
  frequencyPenalty: number | undefined = undefined;
  seed: number | undefined = undefined;
  stop: readonly string[] | undefined = undefined;
  topK: number | undefined = undefined;
  isStreamed: boolean | undefined = undefined;
  /** JSON of the list that a model config has. */
  tools: string | undefined = undefined;
  toolType: string | undefined = undefined;
  promptTokens: number | undefined = undefined;
  outputTokens: number | undefined = undefined;
  totalTokens: number | undefined = undefined;
  cacheReadTokens: number | undefined = undefined;
  cacheWriteTokens: number | undefined = undefined;
  reasoningTokens: number | undefined = undefined;
  responseId: string | undefined = undefined;
  responseModel: string | undefined = undefined;
  serverAddress: string | undefined = undefined;
  toolCallId: string | undefined = undefined;
  agentId: string | undefined = undefined;
  /** Name of the agent that makes the call. */
  callerName: string | undefined = undefined;
  finishReason: string | undefined = undefined;
  secondsToFirstChunk: number | undefined = undefined;
  /** JSON of an object. */
  inputs: string | undefined = undefined;
  /** JSON of the messages, without the brackets of the list. */
  messages: JsonPieces | undefined = undefined;
  /** JSON of the answer. Its only texts are those of its content. */
  outputMessage: JsonPieces | undefined = undefined;
  /** The output of a log without an output message. */
  output: string | undefined = undefined;
  /** Plain JSON, as is what follows. */
  other: PlainFields | undefined = undefined;
  metadata: PlainFields | undefined = undefined;
  contentMetadata: PlainFields | undefined = undefined;
  /** JSON of an object. */
  providerRequest: string | undefined = undefined;
  /** JSON of an object. */
  providerResponse: string | undefined = undefined;
  /** The attributes whose keys the vocabulary reads itself. */
  collected: string[] | undefined = undefined;

  constructor(convention: string, kind: ShortReading['kind']) {
    this.convention = convention;
    this.kind = kind;
  }
}

/** Returns undefined for a span that is left to `read`. `kind` is what `classify` returned. */
export type ReadShort = (span: SpanSlice, kind: string) => ShortReading | undefined;

export function isShortKind(kind: string): kind is ShortReading['kind'] {
  return kind === 'model' || kind === 'tool' || kind === 'agent';
}

export interface ShortWay {
  readonly read: ReadShort;
  /** Other vocabularies that may recognise the span too, as the same kind: what they say of it is read here. */
  readonly includes?: readonly string[];
}

/** Whether the span may have nothing but its attributes to tell of. */
export function isPlainSpan(span: SpanSlice): boolean {
  return (
    span.ended !== false &&
    span.status.code !== STATUS_ERROR &&
    span.events.length === 0 &&
    !span.droppedAttributesCount
  );
}

type Accepts = (value: unknown) => boolean;

/** What a short way knows of a key: `'ignored'`, or a field and whether it takes the value as it is. */
export type ShortKey = 'ignored' | readonly [field: string, accepts: Accepts];

/** Keys with numbers or ids in them would fill the memory. */
const MAX_REMEMBERED_KEYS = 1_024;

type Judgement = 'ignored' | 'collected' | 'doubt';

interface KnownField {
  readonly field: string;
  readonly accepts: Accepts;
}

/** The keys of one vocabulary. A key that it does not know, and that might mean something to it, is a doubt. */
export class ShortTable<Fields extends ShortReading> {
  readonly #keys: Map<string, KnownField | Judgement>;
  readonly #doubts: RegExp;
  readonly #collects: RegExp | undefined;
  readonly #size: number;

  /**
   * `doubts` matches the keys that mean something to `read`, or may in a later version. `collects` matches those that the
   * vocabulary reads itself, since parts of them are the app's.
   */
  constructor(keys: Readonly<Record<string, ShortKey>>, doubts: RegExp, collects?: RegExp) {
    this.#keys = new Map(
      Object.entries(keys).map(([key, known]) => [
        key,
        known === 'ignored' ? known : { field: known[0], accepts: known[1] },
      ]),
    );
    this.#size = this.#keys.size;
    this.#doubts = doubts;
    this.#collects = collects;
  }

  /** Sets the fields of `into`, which are undefined. Returns false if there is any doubt. */
  read(span: SpanSlice, into: Fields): boolean {
    const { attributes } = span;
    const fields = into as Record<string, unknown>;
    for (const key in attributes) {
      const known = this.#keys.get(key) ?? this.#judge(key);
      if (known === 'ignored') continue;
      if (known === 'doubt') return false;
      const value = attributes[key];
      if (value === undefined) continue;
      if (known === 'collected') {
        into.collected ??= [];
        into.collected.push(key);
        continue;
      }
      const { field, accepts } = known;
      const before = fields[field];
      // Two keys of a field differ in rank, which only `read` knows.
      if (!accepts(value) || (before !== undefined && !isSame(before, value))) return false;
      fields[field] = value;
    }
    return true;
  }

  #judge(key: string): Judgement {
    const judgement = this.#collects?.test(key) ? 'collected' : this.#doubts.test(key) ? 'doubt' : 'ignored';
    if (this.#keys.size < this.#size + MAX_REMEMBERED_KEYS && key.length <= 256) this.#keys.set(key, judgement);
    return judgement;
  }
}

function isSame(first: unknown, second: unknown): boolean {
  if (!Array.isArray(first) || !Array.isArray(second)) return first === second;
  return first.length === second.length && first.every((item, at) => item === second[at]);
}

/** JSON of what `toPlainObject` certainly leaves as it is: short texts, numbers and words, or lists of them, by name. */
const FLAT_OBJECT = (() => {
  const characters = '[ !#-\\[\\]-\\ud7ff\\ue000-\\uffff]*';
  const scalar = `(?:"${characters}"|-?(?:0|[1-9]\\d{0,14})(?:\\.\\d{1,15})?|true|false|null)`;
  const value = `(?:${scalar}|\\[(?:${scalar}(?:, ?${scalar})*)?\\])`;
  const entry = `"[A-Za-z]${characters}": ?${value}`;
  return new RegExp(`^\\{(?:${entry}(?:, ?${entry})*)?\\}$`);
})();
const MAX_FLAT_CHARS = 1_000;

/** To find this out costs a tenth of parsing the text. */
function isFlatObject(text: string): boolean {
  // Bytes of a `Buffer` that went through JSON become a placeholder.
  return text.length <= MAX_FLAT_CHARS && FLAT_OBJECT.test(text) && !text.includes('"Buffer"');
}

/**
 * Returns the JSON of an object as `toPlainObject` would leave it; undefined if the text is not JSON, is no object, or
 * may be the record of a call, which `inputs.ts` opens.
 */
export function objectText(text: string): string | undefined {
  if (isFlatObject(text)) return text;
  const parsed = text.startsWith('{') ? parseWithin(text) : undefined;
  const plain = isObject(parsed) && !('kwargs' in parsed) ? toPlainObject(parsed) : undefined;
  return plain && (plain === parsed ? text : JSON.stringify(plain));
}

const MAX_REMEMBERED = 16;
const MAX_REMEMBERED_CHARS = 64 * 1024;

/** What the last few texts say: the calls of an app mostly have one of a few lists of tools, and the same parameters. */
export class RememberedTexts<Value extends string | object> {
  readonly #values = new Map<string, Value>();

  /** Returns what the text says, which `read` finds out; undefined if that does. */
  get(text: string, read: (text: string) => Value | undefined): Value | undefined {
    const known = this.#values.get(text);
    if (known !== undefined) return known;
    const value = read(text);
    if (value === undefined || text.length > MAX_REMEMBERED_CHARS) return value;
    if (this.#values.size >= MAX_REMEMBERED) this.#values.clear();
    this.#values.set(text, value);
    return value;
  }
}

/** Returns the JSON of the tools; undefined if there are none, and if anything of it was cut or is no text. */
export function toolsText(span: SpanSlice, read: (fields: SpanFields) => ModelTool[] | undefined): string | undefined {
  const fields = new SpanFields(span);
  const tools = read(fields);
  const json = tools && JSON.stringify(tools);
  // Lone surrogates are escaped.
  return json === undefined || fields.truncated.size > 0 || json.includes('\\ud') ? undefined : json;
}

// What the readers of `attributes.ts` return as it is.

/** Like `nameOf`. */
export function isName(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_NAME_CHARS || value.startsWith('"')) return false;
  return (isLongWord(value) || !isFiller(value)) && value.isWellFormed();
}

/** The words that stand for nothing have at most 9 characters, but may have white space around them. */
function isLongWord(text: string): boolean {
  return text.length > 9 && isPrintable(text.charCodeAt(0)) && isPrintable(text.charCodeAt(text.length - 1));
}

function isPrintable(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}

export function isModelName(value: unknown): boolean {
  return value !== 'unknown' && isName(value);
}

/** Like `stringOf`. */
export function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.isWellFormed();
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** A word from which `toFinishReason` makes a reason. */
export function isReason(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z][\w-]{3,63}$/i.test(value) && isName(value);
}

export function isNumber(value: unknown): boolean {
  return typeof value === 'number' && numberOf(value) !== undefined;
}

export function isInteger(value: unknown): boolean {
  return typeof value === 'number' && integerOf(value) !== undefined;
}

export function isCount(value: unknown): boolean {
  return typeof value === 'number' && countOf(value) !== undefined;
}

export function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

/** Like `stringListOf`. */
export function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isText(item) && !isUnset(item));
}

export function isAny(): boolean {
  return true;
}
