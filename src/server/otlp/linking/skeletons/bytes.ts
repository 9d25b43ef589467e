/** Writes and reads numbers, ids and texts as bytes. Every read is checked: damaged bytes throw a `RangeError`. */

import { referenceIdOf } from '../../../../wire/reference-id.ts';
import { isOfAnotherTrace } from './span-name.ts';

const FIRST_BYTES = 1_024;
/** A number that is not a small whole one: 8 bytes follow. */
const ANY_NUMBER = 1;
const MAX_SMALL = 2 ** 31;
/** Texts are remembered up to so many: a map of a million takes long to grow. Those after them are written each time. */
const MAX_KNOWN_TEXTS = 50_000;

export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;
  /** Texts that come again are written once. */
  readonly #texts = new Map<string, number>();

  get length(): number {
    return this.#length;
  }

  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length));
  }

  byte(value: number): void {
    this.#makeRoom(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53 - 1. */
  count(value: number): void {
    this.#makeRoom(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < MAX_SMALL && !Object.is(value, -0)) {
      this.count(value === 0 ? 0 : value + 1);
      return;
    }
    this.count(ANY_NUMBER);
    this.double(value);
  }

  double(value: number): void {
    this.#makeRoom(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** 16 hexadecimal digits in lower case. */
  id(hex: string): void {
    this.#makeRoom(8);
    this.#length += this.#bytes.write(hex, this.#length, 'hex');
  }

  /** A span of this trace or of another one, named as in `span-name.ts`. */
  name(name: string): void {
    this.byte(isOfAnotherTrace(name) ? 1 : 0);
    if (!isOfAnotherTrace(name)) return this.id(name);
    for (const at of [0, 16, 33]) this.id(name.slice(at, at + 16));
  }

  /** A text that may come again. */
  text(value: string): void {
    const known = this.#texts.get(value);
    if (known !== undefined) return this.count(known + 1);
    if (this.#texts.size < MAX_KNOWN_TEXTS) this.#texts.set(value, this.#texts.size);
    this.count(0);
    const size = Buffer.byteLength(value);
    this.count(size);
    this.#makeRoom(size);
    this.#length += this.#bytes.write(value, this.#length);
  }

  #makeRoom(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #texts: string[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes are read. */
  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw new RangeError('the bytes end too early');
    return this.#bytes[this.#at++] as number;
  }

  count(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large');
      if (byte < 128) return value;
    }
  }

  /** A number of things that take at least a byte each. */
  length(): number {
    const value = this.count();
    if (value > this.#bytes.length - this.#at) throw new RangeError('the bytes end too early');
    return value;
  }

  number(): number {
    const value = this.count();
    if (value === ANY_NUMBER) return this.double();
    return value === 0 ? 0 : value - 1;
  }

  double(): number {
    const from = this.#advance(8);
    return this.#bytes.readDoubleLE(from);
  }

  id(): string {
    const from = this.#advance(8);
    return this.#bytes.toString('hex', from, from + 8);
  }

  name(): string {
    return this.byte() === 0 ? this.id() : referenceIdOf(this.id() + this.id(), this.id());
  }

  text(): string {
    const place = this.count();
    if (place > 0) {
      const known = this.#texts[place - 1];
      if (known === undefined) throw new RangeError('a text is not known');
      return known;
    }
    const size = this.length();
    const from = this.#advance(size);
    const value = this.#bytes.toString('utf8', from, from + size);
    this.#texts.push(value);
    return value;
  }

  #advance(size: number): number {
    const from = this.#at;
    if (size > this.#bytes.length - from) throw new RangeError('the bytes end too early');
    this.#at += size;
    return from;
  }
}

export function readList<Item>(reader: ByteReader, read: () => Item): Item[] {
  const items: Item[] = [];
  for (let left = reader.length(); left > 0; left--) items.push(read());
  return items;
}

/** Returns the bit of a value that is there. */
export function flag(value: unknown, bit: number): number {
  return value === undefined ? 0 : bit;
}
