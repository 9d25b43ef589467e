/**
 * Finds the JSON values in bytes that come piece by piece, without parsing them: by brackets outside of texts.
 *
 * A line that is broken is one fault, which does not spoil those after it. It is known by its end, where the file has a
 * value on each line, else by an object that begins in the first column: what is nested in a document is indented. A
 * list around all values is looked through.
 */
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACES = new Set([0x20, 0x09, 0x0d, NEWLINE]);
/** Before the first byte, as Windows' tools write it. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export interface FileValue {
  /** Counts from 1: the line on which the value begins. */
  readonly line: number;
  readonly value: unknown;
}

export interface FileFault {
  readonly line: number;
  readonly fault: string;
}

export class ValueScanner {
  readonly #maxBytes: number;
  #line = 1;
  #isFirst = true;
  /** The value that is being read. */
  #pieces: Buffer[] = [];
  #length = 0;
  #startLine = 0;
  /** Brackets that are open in it; -1 while it has not begun. */
  #depth = -1;
  #isInText = false;
  #isEscaped = false;
  /** A whole value has ended on its own line. */
  #hasLines = false;
  /** The list around all values is open. */
  #isInList = false;
  #isLineStart = true;
  /** Skips to the next line: what is there cannot be read. */
  #isLost = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *read(chunk: Buffer): Generator<FileValue | FileFault> {
    let bytes = chunk;
    if (this.#isFirst && chunk.length > 0) {
      this.#isFirst = false;
      if (chunk.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = chunk.subarray(3);
    }
    let start = 0;
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index]!;
      if (byte === NEWLINE) {
        this.#line += 1;
        this.#isLineStart = true;
        if (this.#isLost) this.#isLost = false;
        else if (this.#depth > 0 && this.#hasLines) {
          yield this.#breakOff();
        }
        continue;
      }
      if (this.#isLost) continue;
      if (this.#depth > 0 && this.#isLineStart && byte === OPEN_OBJECT) yield this.#breakOff();
      this.#isLineStart = false;
      if (this.#depth < 0) {
        if (byte !== OPEN_OBJECT) {
          const isBetween = SPACES.has(byte) || (this.#isInList && byte === COMMA);
          if (isBetween) continue;
          if (this.#isInList && byte === CLOSE_LIST) this.#isInList = false;
          else if (byte === OPEN_LIST && !this.#isInList && !this.#hasLines) this.#isInList = true;
          else {
            yield { line: this.#line, fault: `expected an object, got ${JSON.stringify(String.fromCharCode(byte))}` };
            this.#isLost = true;
          }
          continue;
        }
        start = index;
        this.#startLine = this.#line;
        this.#depth = 0;
      }
      if (this.#step(byte)) continue;
      yield this.#take(bytes.subarray(start, index + 1));
    }
    if (this.#depth < 0) return;
    this.#pieces.push(bytes.subarray(start));
    this.#length += bytes.length - start;
    if (this.#length <= this.#maxBytes) return;
    yield { line: this.#startLine, fault: `the value is larger than ${this.#maxBytes} bytes` };
    this.#reset();
    this.#isLost = true;
  }

  *end(): Generator<FileFault> {
    if (this.#depth >= 0) yield { line: this.#startLine, fault: 'the file ends within a value' };
    else if (this.#isInList) yield { line: this.#line, fault: 'the file ends within a list' };
  }

  /** Returns false when the value is complete. */
  #step(byte: number): boolean {
    if (this.#isInText) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isInText = false;
    } else if (byte === QUOTE) this.#isInText = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#depth -= 1;
    return this.#depth > 0;
  }

  #take(last: Buffer): FileValue | FileFault {
    const line = this.#startLine;
    const text = Buffer.concat([...this.#pieces, last]).toString('utf8');
    this.#reset();
    try {
      const value: unknown = JSON.parse(text);
      if (line === this.#line && !this.#isInList) this.#hasLines = true;
      return { line, value };
    } catch (error) {
      return { line, fault: `not JSON: ${(error as Error).message}` };
    }
  }

  #breakOff(): FileFault {
    const fault = { line: this.#startLine, fault: 'the line ends within a value' };
    this.#reset();
    return fault;
  }

  #reset(): void {
    this.#pieces = [];
    this.#length = 0;
    this.#depth = -1;
    this.#isInText = false;
    this.#isEscaped = false;
  }
}
