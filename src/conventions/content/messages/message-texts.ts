/**
 * Finds the texts of messages in their JSON, for the short way. It reads one shape of messages and no other:
 *
 *     [{"role":"user","parts":[{"type":"text","content":"…"}]}, …]
 *
 * with calls of tools and their results among the parts, and a finish reason beside them. Every character is accounted for, but for control characters
 * within texts. For anything else it returns undefined: other keys, another order, white space, damaged JSON, and texts
 * that `messages.ts` might look into.
 */
import { keepShape } from '../../../host/keep-shape.ts';
import { isObject } from '../../../wire/json.ts';
import type { JsonPieces } from '../../short-way.ts';
import { stringOf } from '../../values/attributes.ts';
import { parseWithin } from '../../values/json/text-weight.ts';
import { isNoContent } from '../parts/collected-parts.ts';
import { blocksInText, toResultContent } from '../parts/message-parts.ts';
import { mayBePrinted } from '../parts/printed-items.ts';
import { readProviderItem } from '../parts/provider-calls.ts';
import { endOfObject, TextEnds } from '../parts/text-ends.ts';
import { readCallPart, readResultPart } from '../parts/tool-parts.ts';
import { mayBeSeveral } from './joined-calls.ts';

export interface FoundMessages {
  /** JSON of the messages, without the brackets of the list. */
  readonly pieces: JsonPieces;
  readonly count: number;
  /** Role of the first message. */
  readonly firstRole: string;
  /** The last message's. */
  readonly finishReason: string | undefined;
}

/** The words of a vocabulary for its messages, as JSON. */
export interface MessageShape {
  /** Between the role and the first part. */
  readonly parts: string;
  /** Between the start of a part and its text. */
  readonly text: string;
  /** Between the role and a text that is the whole content, if messages may have one. */
  readonly content?: string;
  readonly call: PartShape;
  readonly result: PartShape;
}

/** A part that is parsed. It has an id, and no keys but these and `type`. */
export interface PartShape {
  readonly type: string;
  readonly id: string;
  readonly keys: ReadonlySet<string>;
}

const ROLES = ['user', 'assistant', 'system', 'tool'] as const;
const ROLE = '{"role":"';
const FINISH_REASON = ',"finish_reason":"';
/** Longer lists have bounds of their own. */
const MAX_ITEMS = 1_000;

/** Finds the messages of a conversation. */
export function findMessages(json: string, shape: MessageShape): FoundMessages | undefined {
  return new Finder(json, shape).messages();
}

/** Finds the texts of `[{"type":"text","content":"…"}, …]`, as one message with this role. */
export function findInstructions(json: string, shape: MessageShape, role: string): JsonPieces | undefined {
  return new Finder(json, shape).parts(role);
}

class Finder {
  readonly #json: string;
  readonly #ends: TextEnds;
  readonly #shape: MessageShape;
  readonly #pieces: JsonPieces = [];
  #at = 0;
  /** Structure since the last text. */
  #structure = '';
  #texts = 0;
  /** JSON of the calls of the message. */
  #calls = '';
  #results = 0;
  #finishReason: string | undefined;

  constructor(json: string, shape: MessageShape) {
    this.#json = json;
    this.#ends = new TextEnds(json);
    this.#shape = shape;
  }

  messages(): FoundMessages | undefined {
    let count = 0;
    let firstRole = '';
    let finishReason: string | undefined;
    if (!this.#skip('[')) return undefined;
    do {
      const role = this.#message();
      if (role === undefined || count++ >= MAX_ITEMS) return undefined;
      if (count === 1) firstRole = role;
      finishReason = this.#finishReason;
    } while (this.#skip(',') && this.#addSeparator());
    if (!this.#skip(']') || this.#at !== this.#json.length) return undefined;
    this.#pieces.push(this.#structure);
    return { pieces: this.#pieces, count, firstRole, finishReason };
  }

  parts(role: string): JsonPieces | undefined {
    if (!this.#skip('[') || !this.#parts(role) || this.#at !== this.#json.length) return undefined;
    if (this.#texts === 0 || this.#calls !== '' || this.#results > 0) return undefined;
    this.#pieces.push(`${this.#structure}"}`);
    return this.#pieces;
  }

  #addSeparator(): true {
    this.#structure += ',';
    return true;
  }

  /** Reads a message, and returns its role. */
  #message(): string | undefined {
    if (!this.#skip(ROLE)) return undefined;
    const role = this.#role();
    if (role === undefined) return undefined;
    this.#texts = 0;
    this.#calls = '';
    this.#results = 0;
    this.#finishReason = undefined;
    // Some write the reason before the parts, and some after them.
    if (!this.#skip('"') || !this.#readReason()) return undefined;
    const { parts, content } = this.#shape;
    const isText = content !== undefined && this.#skip(content);
    if (!(isText ? this.#text(role) : this.#skip(parts) && this.#parts(role))) return undefined;
    if (!this.#readReason() || !this.#skip('}')) return undefined;
    if (this.#results > 0) return this.#texts === 0 && this.#calls === '' ? role : undefined;
    if (role === 'tool' || (this.#texts === 0 && this.#calls === '')) return undefined;
    if (this.#texts > 0) this.#structure += '"';
    else this.#structure += `{"role":"${role}"`;
    if (this.#calls !== '') {
      if (role !== 'assistant') return undefined;
      this.#structure += `,"tool_calls":[${this.#calls}]`;
    }
    this.#structure += '}';
    return role;
  }

  #role(): string | undefined {
    for (const role of ROLES) if (this.#skip(role)) return role;
    return undefined;
  }

  /** Reads the reason, if there is one. Returns false if there is one that is not a word, or a second one. */
  #readReason(): boolean {
    if (!this.#skip(FINISH_REASON)) return true;
    if (this.#finishReason !== undefined) return false;
    this.#finishReason = this.#word();
    return this.#finishReason !== undefined;
  }

  #parts(role: string): boolean {
    let count = 0;
    do {
      const isFound = this.#skip(this.#shape.text) ? this.#text(role) && this.#skip('}') : this.#otherPart();
      if (!isFound || count++ >= MAX_ITEMS) return false;
    } while (this.#skip(','));
    return this.#skip(']');
  }

  #text(role: string): boolean {
    const from = this.#at;
    const end = this.#ends.of(from);
    if (end <= from || mayBeOpened(this.#json, from) || mayBePrinted(this.#json, from, end)) return false;
    const text = this.#json.slice(from, end);
    if (isNoContent(text)) return false;
    const pieces = this.#pieces;
    pieces.push(this.#structure + (this.#texts++ > 0 ? '\\n' : `{"role":"${role}","content":"`));
    pieces.push(text);
    this.#structure = '';
    this.#at = end + 1;
    return true;
  }

  /** Reads a call of a tool or a result. They are short, but for results, and parsed as `messages.ts` does it. */
  #otherPart(): boolean {
    const end = endOfObject(this.#json, this.#ends, this.#at);
    const part = end < 0 ? undefined : parseWithin(this.#json.slice(this.#at, end));
    if (!isObject(part)) return false;
    this.#at = end;
    const { call, result } = this.#shape;
    return fits(part, call) ? this.#call(part) : fits(part, result) && this.#result(part);
  }

  #call(part: Record<string, unknown>): boolean {
    const calls = addCall(this.#calls, part);
    this.#calls = calls ?? '';
    return calls !== undefined;
  }

  #result(part: Record<string, unknown>): boolean {
    const { id, name, value } = readResultPart(part);
    const content = toResultContent(value);
    // Some vocabularies look for blocks in it once more.
    if (typeof content === 'string' && blocksInText(content)) return false;
    const message = { role: 'tool', content, name, tool_call_id: id };
    this.#structure += `${this.#results++ > 0 ? ',' : ''}${JSON.stringify(message)}`;
    return true;
  }

  #skip(expected: string): boolean {
    const at = this.#at;
    // Most differ in the first character or have no other, and to compare that is no call.
    if (this.#json.charCodeAt(at) !== expected.charCodeAt(0)) return false;
    if (expected.length > 1 && !this.#json.startsWith(expected, at)) return false;
    this.#at = at + expected.length;
    return true;
  }

  /** Reads a word and the quote after it. */
  #word(): string | undefined {
    const end = this.#json.indexOf('"', this.#at);
    const word = end < 0 ? '' : this.#json.slice(this.#at, end);
    this.#at = end + 1;
    return /^\w{1,64}$/.test(word) ? word : undefined;
  }
}

const NO_PART: PartShape = { type: '', id: '', keys: new Set() };
keepShape(new Finder('', { parts: '', text: '', call: NO_PART, result: NO_PART }));

/** Whether the part has this shape, and the app has to do with it, not only the provider. */
export function fits(part: Record<string, unknown>, { type, id, keys }: PartShape): boolean {
  if (part['type'] !== type || stringOf(part[id]) === undefined || readProviderItem(part)) return false;
  for (const key in part) if (key !== 'type' && !keys.has(key)) return false;
  return true;
}

/**
 * Adds the JSON of a call to that of others. Returns undefined if it is one of them, as the same call twice is one, or may be
 * several.
 */
export function addCall(calls: string, part: Record<string, unknown>): string | undefined {
  const { id, name, arguments: input } = readCallPart(part);
  if (mayBeSeveral(input)) return undefined;
  const json = JSON.stringify(id);
  if (calls.includes(`{"id":${json}`)) return undefined;
  const call = `{"id":${json},"type":"function","function":${JSON.stringify({ name, arguments: input })}}`;
  return calls === '' ? call : `${calls},${call}`;
}

const BRACKET = 0x5b;
const BRACE = 0x7b;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const LETTER_U = 0x75;

/** Whether the text may be JSON itself, which `messages.ts` looks into. */
function mayBeOpened(json: string, from: number): boolean {
  const first = json.charCodeAt(from);
  if (first !== BACKSLASH) return first === BRACKET || first === BRACE;
  const escaped = json.charCodeAt(from + 1);
  return escaped === QUOTE || escaped === LETTER_U;
}
