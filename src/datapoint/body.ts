/**
 * The datapoint of a log as JSON, on its way to the server: a text, or bytes in a block that bodies share.
 *
 * Bytes take a byte for most characters and nothing of the garbage collector's time, and are copied into a request as
 * they are. A block lives as long as any of its bodies, so it would be kept whole by the one log that is stuck. When
 * half of a full block is let go, the rest moves on: full blocks never take more than twice what is counted.
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

class Block {
  readonly bytes: Buffer;
  used = 0;
  live = 0;
  readonly bodies: ByteBody[] = [];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Empties a block to which nothing is added any more, if most of it is not needed. */
  thinOut(): void {
    if (this === current || this.live * 2 >= this.used) return;
    for (const body of this.bodies.splice(0)) body.moveOn();
  }
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
    return offset + this.#block.bytes.copy(target, offset, this.#start + from, this.#start + to);
  }

  /** Nothing more is sent of it. Its bytes can still be read. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#block.live -= this.#size;
    this.#block.thinOut();
  }

  /** Moves to another block. */
  moveOn(): void {
    if (!this.#isReleased) this.#block = this.#place(this.#block.bytes, this.#start);
  }

  #place(bytes: Buffer, from: number): Block {
    const block = blockFor(this.#size);
    this.#start = block.used;
    bytes.copy(block.bytes, block.used, from, from + this.#size);
    block.used += this.#size;
    block.live += this.#size;
    block.bodies.push(this);
    return block;
  }
}

function blockFor(size: number): Block {
  if (size > MAX_SHARED_BYTES) return new Block(Buffer.allocUnsafeSlow(size));
  if (current.used + size > current.bytes.length) {
    const full = current;
    current = new Block(Buffer.allocUnsafeSlow(BLOCK_BYTES));
    // What moves on takes less than half of the new block.
    full.thinOut();
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
