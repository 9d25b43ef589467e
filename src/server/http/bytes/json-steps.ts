/**
 * Parses long JSON part by part, so that others have their turn in between: `JSON.parse` takes a second for a million
 * keys. What comes out is the same. Objects and lists that are large are filled with runs of their members, each of which
 * is parsed as one; a member that is large itself is parsed alone.
 */
import { decodeUtf8 } from './decode-utf8.ts';
import { PlainText, QUOTE } from './plain-text.ts';

/** Of a step. */
const STEP_BYTES = 65_536;

const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BLANK = /^[ \t\n\r]*$/;

/** @throws {SyntaxError} if it is not JSON. */
export function* parseJsonInSteps(bytes: Buffer, stepBytes = STEP_BYTES): Generator<void, unknown> {
  const parser = new Parser(bytes, stepBytes);
  return yield* parser.parse();
}

class Parser {
  readonly #bytes: Buffer;
  readonly #stepBytes: number;
  readonly #plain: PlainText;
  /** Where each large object and list ends, by where it begins. */
  readonly #ends = new Map<number, number>();
  /** In this step. */
  #parsedBytes = 0;

  constructor(bytes: Buffer, stepBytes: number) {
    this.#bytes = bytes;
    this.#stepBytes = stepBytes;
    this.#plain = new PlainText(bytes);
  }

  *parse(): Generator<void, unknown> {
    yield* this.#findLarge();
    const bytes = this.#bytes;
    const start = this.#skipBlank(0);
    const end = this.#ends.get(start);
    if (end === undefined) return JSON.parse(this.#text(0, bytes.length));
    if (this.#skipBlank(end + 1) < bytes.length) throw wrongAt(end + 1);
    return yield* this.#parseLarge(start, end);
  }

  *#findLarge(): Generator<void, void> {
    const bytes = this.#bytes;
    const open: number[] = [];
    let nextStep = this.#stepBytes;
    for (let at = 0; at < bytes.length; ) {
      const byte = bytes[at]!;
      if (byte === OPEN_LIST || byte === OPEN_OBJECT) open.push(at);
      else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        const start = open.pop();
        // In ASCII, both ends are two behind their beginnings.
        if (start === undefined || bytes[start]! + 2 !== byte) throw wrongAt(at);
        if (at - start > this.#stepBytes) this.#ends.set(start, at);
      }
      at = byte === QUOTE ? this.#endOfText(at) : at + 1;
      if (at < nextStep) continue;
      nextStep = at + this.#stepBytes;
      yield;
    }
    if (open.length > 0) throw wrongAt(bytes.length);
  }

  *#parseLarge(start: number, end: number): Generator<void, unknown> {
    const bytes = this.#bytes;
    const isList = bytes[start] === OPEN_LIST;
    const members = isList ? new ListMembers() : new ObjectMembers();
    let [run, member, depth, isComplete] = [start + 1, start + 1, 0, false];
    const addRun = (to: number): void => {
      this.#parsedBytes += to - run;
      const count = members.addAll(this.#text(run, to));
      if (count === 0 && (run > start + 1 || to < end)) throw wrongAt(to);
    };
    for (let at = run; at < end; ) {
      const byte = bytes[at]!;
      const largeEnd = byte === OPEN_LIST || byte === OPEN_OBJECT ? this.#ends.get(at) : undefined;
      if (largeEnd !== undefined) {
        if (member > run) addRun(member - 1);
        const key = this.#text(member, at);
        members.add(key, yield* this.#parseLarge(at, largeEnd));
        at = this.#skipBlank(largeEnd + 1);
        isComplete = at === end;
        if (!isComplete && bytes[at] !== COMMA) throw wrongAt(at);
        if (!isComplete) at += 1;
        run = at;
        member = at;
        continue;
      }
      if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1;
      else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
      at = byte === QUOTE ? this.#endOfText(at) : at + 1;
      if (byte !== COMMA || depth > 0) continue;
      member = at;
      if (at - run <= this.#stepBytes) continue;
      addRun(at - 1);
      run = at;
      yield* this.#endStep();
    }
    if (!isComplete) addRun(end);
    yield* this.#endStep();
    return members.value;
  }

  /** Ends the step if it was long enough. Below many levels, an end takes long. */
  *#endStep(): Generator<void, void> {
    if (this.#parsedBytes <= this.#stepBytes) return;
    this.#parsedBytes = 0;
    yield;
  }

  #endOfText(start: number): number {
    const bytes = this.#bytes;
    let at = this.#plain.endFrom(start + 1);
    // A backslash, and what it escapes.
    while (at < bytes.length && bytes[at] !== QUOTE) at = this.#plain.endFrom(at + 2);
    if (at >= bytes.length) throw wrongAt(bytes.length);
    return at + 1;
  }

  #text(start: number, end: number): string {
    return decodeUtf8(this.#bytes.subarray(start, end));
  }

  /** Returns where the next byte is that is no space. */
  #skipBlank(start: number): number {
    let at = start;
    while (isBlank(this.#bytes[at])) at += 1;
    return at;
  }
}

class ListMembers {
  readonly value: unknown[] = [];

  /** Returns how many there are in the text. */
  addAll(text: string): number {
    const items = JSON.parse(`[${text}]`) as unknown[];
    for (const item of items) this.value.push(item);
    return items.length;
  }

  add(before: string, item: unknown): void {
    if (!BLANK.test(before)) throw new SyntaxError(`unexpected ${before.slice(0, 20)} before an item`);
    this.value.push(item);
  }
}

class ObjectMembers {
  readonly value: Record<string, unknown> = {};

  /** Returns how many there are in the text. */
  addAll(text: string): number {
    const entries = Object.entries(JSON.parse(`{${text}}`) as object);
    for (const [key, value] of entries) this.#set(key, value);
    return entries.length;
  }

  add(before: string, value: unknown): void {
    for (const key of Object.keys(JSON.parse(`{${before}null}`) as object)) this.#set(key, value);
  }

  /** An entry of that name, as `JSON.parse` makes one, and not the prototype. */
  #set(key: string, value: unknown): void {
    if (key !== '__proto__') this.value[key] = value;
    else Object.defineProperty(this.value, key, { value, writable: true, enumerable: true, configurable: true });
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function wrongAt(at: number): SyntaxError {
  return new SyntaxError(`unexpected byte, or end, at ${at}`);
}
