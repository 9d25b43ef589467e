/** Reads ids, times and attribute values from protobuf. */
import type protobuf from 'protobufjs';
import type { HrTime } from '../../../otel/span-slice.ts';
import { decodeUtf8 } from '../../http/bytes/decode-utf8.ts';
import { MAX_NAME_BYTES, nameAt } from '../../http/bytes/remembered-names.ts';
import type { Budget } from './budget.ts';
import { MAX_DEPTH, setEntry, TOO_DEEP } from './decoded.ts';

export type Reader = protobuf.Reader;

const MAX_VARINT_BYTES = 10;
/** Wire types. */
const GROUP = 3;
const GROUP_END = 4;

/** Enters the message that comes next. Returns what `leave` takes. */
export function enter(reader: Reader): number {
  const size = reader.size();
  const end = reader.pos + size;
  const outerEnd = reader.len;
  if (end > outerEnd) throw new RangeError(`a message of ${size} bytes at ${reader.pos} ends after what it is in`);
  reader.len = end;
  return outerEnd;
}

export function leave(reader: Reader, outerEnd: number): void {
  reader.len = outerEnd;
}

/** Reads the tag of the field that comes next, and counts the field. */
export function readTag(reader: Reader, budget: Budget): number {
  budget.countField();
  return reader.tag();
}

/** Skips a field that is not known. */
export function skip(reader: Reader, tag: number): void {
  reader.skipType(tag & 7, 0, tag >>> 3);
}

/** The same, and counts the fields of a group: it may have millions. */
export function passOver(reader: Reader, tag: number, budget: Budget, depth = 0): void {
  if ((tag & 7) !== GROUP) return skip(reader, tag);
  if (depth > MAX_DEPTH) throw new RangeError(`groups in groups at ${reader.pos}`);
  const end = (tag & ~7) | GROUP_END;
  for (let field = readTag(reader, budget); field >>> 0 !== end >>> 0; field = readTag(reader, budget)) {
    passOver(reader, field, budget, depth + 1);
  }
}

/** In bytes. */
const LONG_TEXT = 10_000;

/** Returns the text. The reader's own way is slow for long ones. */
export function readText(reader: Reader): string {
  const start = reader.pos;
  const size = reader.size();
  reader.pos = start;
  return size < LONG_TEXT ? reader.string() : decodeUtf8(reader.bytes() as Buffer);
}

/** Reads a text that is most probably the same as one before, which then takes neither memory nor a look at all names. */
export function readName(reader: Reader): string {
  const { buf, pos: start } = reader;
  const size = reader.size();
  const { pos } = reader;
  if (size <= MAX_NAME_BYTES && pos + size <= reader.len) {
    reader.pos = pos + size;
    return nameAt(buf as Buffer, pos, size);
  }
  reader.pos = start;
  return reader.string();
}

export function readHex(reader: Reader): string {
  return (reader.bytes() as Buffer).toString('hex');
}

const TWO_TO_32 = 4_294_967_296;

/** Returns undefined for 0, which stands for no time. All products are exact, other than the first. */
export function readFixed64Time(reader: Reader): HrTime | undefined {
  const low = reader.fixed32();
  const high = reader.fixed32() * TWO_TO_32;
  if (high === 0 && low === 0) return undefined;
  let seconds = Math.floor((high + low) / 1e9);
  let nanos = high - seconds * 1e9 + low;
  if (nanos < 0) {
    seconds -= 1;
    nanos += 1e9;
  } else if (nanos >= 1e9) {
    seconds += 1;
    nanos -= 1e9;
  }
  return [seconds, nanos];
}

/** Reads a `KeyValue` into the attributes. One without a value says nothing. */
export function readAttribute(reader: Reader, into: Record<string, unknown>, budget: Budget, depth = 0): void {
  if (!budget.take(1)) return skipMessage(reader);
  let key = '';
  let value: unknown;
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 10) key = readName(reader);
    else if (tag === 18) value = readValue(reader, budget, depth);
    else passOver(reader, tag, budget);
  }
  leave(reader, end);
  if (value !== undefined) setEntry(into, key, value);
}

/** Reads an `AnyValue`; undefined if none is set. */
export function readValue(reader: Reader, budget: Budget, depth = 0): unknown {
  let value: unknown;
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    switch (tag) {
      case 10:
        value = readText(reader);
        break;
      case 16:
        value = reader.bool();
        break;
      case 24:
        value = readInt64(reader);
        break;
      case 33:
        value = reader.double();
        break;
      case 42:
        value = readList(reader, budget, depth + 1);
        break;
      case 50:
        value = readMap(reader, budget, depth + 1);
        break;
      case 58:
        value = (reader.bytes() as Buffer).toString('base64');
        break;
      default:
        passOver(reader, tag, budget);
    }
  }
  leave(reader, end);
  return value;
}

function readList(reader: Reader, budget: Budget, depth: number): unknown {
  if (depth > MAX_DEPTH) return skipDeep(reader);
  const list: unknown[] = [];
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag !== 10) passOver(reader, tag, budget);
    else if (budget.take(1)) list.push(readValue(reader, budget, depth) ?? null);
    else skipMessage(reader);
  }
  leave(reader, end);
  return list;
}

function readMap(reader: Reader, budget: Budget, depth: number): unknown {
  if (depth > MAX_DEPTH) return skipDeep(reader);
  const map: Record<string, unknown> = {};
  const end = enter(reader);
  while (reader.pos < reader.len) {
    const tag = readTag(reader, budget);
    if (tag === 10) readAttribute(reader, map, budget, depth);
    else passOver(reader, tag, budget);
  }
  leave(reader, end);
  return map;
}

function skipDeep(reader: Reader): string {
  skipMessage(reader);
  return TOO_DEEP;
}

/** Skips the message that comes next. */
export function skipMessage(reader: Reader): void {
  reader.skip(reader.size());
}

/** Returns a number; the decimal text of one that a number cannot hold. */
function readInt64(reader: Reader): number | string {
  const start = reader.pos;
  reader.skip();
  const bytes = reader.buf;
  const { pos } = reader;
  if (pos - start > MAX_VARINT_BYTES) throw new RangeError(`a varint of ${pos - start} bytes at ${start}`);
  if (pos - start > 7) return toText(bytes, start, pos);
  let value = 0;
  for (let at = pos - 1; at >= start; at -= 1) value = value * 128 + (bytes[at]! & 127);
  return value;
}

/** Negative numbers have ten bytes. */
function toText(bytes: Uint8Array, start: number, end: number): number | string {
  let value = 0n;
  for (let at = end - 1; at >= start; at -= 1) value = (value << 7n) | BigInt(bytes[at]! & 127);
  const signed = BigInt.asIntN(64, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : String(signed);
}
