/**
 * The datapoint of a log as JSON, on its way to the server: a text, or bytes in a block that bodies share.
 *
 * Bytes take a byte for most characters and nothing of the garbage collector's time, and are copied into a request as
 * they are. A block lives as long as any of its bodies, so it would be kept whole by the one log that is stuck. When
 * half of a full block is let go, the rest moves on: apart from `MAX_SPARE_BYTES`, full blocks never take more than twice
 * what is counted.
 */
import type { LateFields } from '../wire/late-fields.ts';

/** JSON object without `reference_id`, `parent_reference_id` and the late fields. */
export type Body = string | ByteBody;

/** The late fields of a log. The output of a log that is encoded as bytes is among these bytes. */
export interface EncodedLate extends Omit<LateFields, 'output'> {
  output?: string | EncodedText | undefined;
}

const BLOCK_BYTES = 64 * 1024;
/** Larger bodies have a block of their own. */
const MAX_SHARED_BYTES = BLOCK_BYTES / 4;
/**
 * So much that is let go may stay in full blocks. Most logs of a block are sent together, and the rest soon after: to move
 * it would cost as much as to write it.
 */
const MAX_SPARE_BYTES = 1024 * 1024;

/** What was let go in full blocks that still have something in use. */
let spareBytes = 0;

class Block {
  readonly bytes: Buffer;
  #bodies: ByteBody[] = [];
  #used = 0;
  #live = 0;
  #isFull = false;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get free(): number {
    return this.bytes.length - this.#used;
  }

  /** Copies a body into the block, and returns where it begins. */
  add(body: ByteBody, source: Buffer, from: number, size: number): number {
    const start = this.#used;
    copyBytes(source, from, from + size, this.bytes, start);
    this.#used += size;
    this.#live += size;
    this.#bodies.push(body);
    return start;
  }

  /** Nothing is added any more. */
  close(): void {
    this.#isFull = true;
    spareBytes += this.#used - this.#live;
    this.#thinOut();
  }

  letGo(size: number): void {
    this.#live -= size;
    if (!this.#isFull) return;
    spareBytes += size;
    this.#thinOut();
  }

  /** Empties the block if most of it is not needed. */
  #thinOut(): void {
    if (this.#live > 0 && (spareBytes <= MAX_SPARE_BYTES || this.#live * 2 >= this.#used)) return;
    spareBytes -= this.#used - this.#live;
    // What moves on is no longer counted here, nor let go again.
    this.#used = 0;
    this.#live = 0;
    const bodies = this.#bodies;
    this.#bodies = [];
    for (const body of bodies) body.moveOn();
  }
}

/**
 * Does what `Buffer.copy` does, whose checks V8 would compile into each of its callers.
 *
 * @throws {RangeError} if the target has no room for it.
 */
function copyBytes(source: Buffer, from: number, to: number, target: Buffer, offset: number): void {
  target.set(new Uint8Array(source.buffer, source.byteOffset + from, to - from), offset);
}

/** Where new bodies are put. */
let current = new Block(Buffer.alloc(0));

export class ByteBody {
  /** Bytes of the JSON object. */
  readonly length: number;
  /** The output as a JSON string, if there is one. It is a part of the body, or follows it. */
  readonly output: EncodedText | undefined;
  /** Bytes of the body and what follows it. */
  readonly #size: number;
  #block: Block;
  #start = 0;
  #isReleased = false;

  /** Copies the first `size` bytes. The first `length` of them are the object. There is no output if `outputTo` is 0. */
  constructor(bytes: Buffer, size: number, length: number, outputFrom: number, outputTo: number) {
    this.length = length;
    this.#size = size;
    this.output = outputTo > 0 ? new EncodedText(this, outputFrom, outputTo) : undefined;
    this.#block = this.#place(bytes, 0);
  }

  get text(): string {
    return this.textOf(0, this.length);
  }

  textOf(from: number, to: number): string {
    return this.#block.bytes.toString('utf8', this.#start + from, this.#start + to);
  }

  /** Copies a part of the bytes, and returns the offset after them. */
  copy(target: Buffer, offset: number, from: number, to: number): number {
    copyBytes(this.#block.bytes, this.#start + from, this.#start + to, target, offset);
    return offset + to - from;
  }

  /** Nothing more is sent of it. Its bytes can still be read. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#block.letGo(this.#size);
  }

  /** Moves to another block. */
  moveOn(): void {
    if (!this.#isReleased) this.#block = this.#place(this.#block.bytes, this.#start);
  }

  #place(bytes: Buffer, from: number): Block {
    const block = blockFor(this.#size);
    this.#start = block.add(this, bytes, from, this.#size);
    return block;
  }
}

function blockFor(size: number): Block {
  if (size > MAX_SHARED_BYTES) return new Block(Buffer.allocUnsafeSlow(size));
  if (current.free < size) {
    const full = current;
    current = new Block(Buffer.allocUnsafeSlow(BLOCK_BYTES));
    // What moves on takes less than half of the new block.
    full.close();
  }
  return current;
}

/** A text as JSON in the bytes of a body. */
export class EncodedText {
  readonly #body: ByteBody;
  readonly #from: number;
  readonly #to: number;

  constructor(body: ByteBody, from: number, to: number) {
    this.#body = body;
    this.#from = from;
    this.#to = to;
  }

  /** Bytes of the JSON string. */
  get length(): number {
    return this.#to - this.#from;
  }

  get text(): string {
    return JSON.parse(this.#body.textOf(this.#from, this.#to));
  }

  /** Copies the JSON string, and returns the offset after it. */
  copy(target: Buffer, offset: number): number {
    return this.#body.copy(target, offset, this.#from, this.#to);
  }
}

/** Nothing more is sent of the body. */
export function releaseBody(body: Body | undefined): void {
  if (body instanceof ByteBody) body.release();
}

export function bodyText(body: Body): string {
  return typeof body === 'string' ? body : body.text;
}

export function outputText(output: EncodedLate['output']): string | undefined {
  return output instanceof EncodedText ? output.text : output;
}

/** Returns the late fields as they are sent in an update. */
export function decodeLate({ output, error, duration }: Readonly<EncodedLate>): LateFields {
  return { output: outputText(output), error, duration };
}

export function isSameOutput(first: EncodedLate['output'], second: EncodedLate['output']): boolean {
  return first === second || outputText(first) === outputText(second);
}
