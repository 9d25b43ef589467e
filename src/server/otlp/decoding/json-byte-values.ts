/** Reads ids, times and attribute values from the bytes of OTLP's JSON; what is rare throws a `Doubt`. */
import type { HrTime } from '../../../otel/span-slice.ts';
import { Keys, UNKNOWN } from '../../http/bytes/json-keys.ts';
import { Doubt, END, type JsonReader } from '../../http/bytes/json-reader.ts';
import type { Budget } from './budget.ts';
import { MAX_ATTRIBUTES, MAX_DEPTH, setEntry } from './decoded.ts';
import { base64Of, booleanOf, doubleOf, idOf, int64Of, textOf, timeOf } from './json-values.ts';

/** Returns the keys that were there, with this one. Which of two with the same name counts is not known here. */
export function once(seen: number, key: number): number {
  if (key === UNKNOWN) return seen;
  if ((seen & (1 << key)) !== 0) throw new Doubt();
  return seen | (1 << key);
}

export function readText(reader: JsonReader, where: string): string {
  return textOf(reader.readScalar(), where);
}

export function readId(reader: JsonReader, where: string): string {
  return idOf(reader.readScalar(), where);
}

/** Of seconds and nanoseconds. */
const MAX_TIME_DIGITS = 20;
const NANO_DIGITS = 9;

/** Reads what `timeOf` reads, mostly without a text in between. */
export function readTime(reader: JsonReader, where: string): HrTime | undefined {
  const count = reader.countDigits(MAX_TIME_DIGITS);
  // One digit may be the 0 that stands for no time.
  if (count <= 1) return timeOf(reader.readScalar(), where);
  const nanoDigits = Math.min(count, NANO_DIGITS);
  const seconds = reader.takeDigits(count - nanoDigits);
  return [seconds, reader.takeDigits(nanoDigits)];
}

const ATTRIBUTE = new Keys('key', 'value');

/** Reads a list of keys and values into the attributes. */
export function readAttributes(reader: JsonReader, into: Record<string, unknown>, budget: Budget, depth = 0): void {
  let count = 0;
  for (let isItem = reader.firstItem(); isItem; isItem = reader.nextItem()) {
    count += 1;
    if (count > MAX_ATTRIBUTES) throw new Doubt();
    if (!budget.take(1)) throw new Doubt();
    let name = '';
    let value: unknown;
    let seen = 0;
    for (let key = reader.firstKey(ATTRIBUTE); key !== END; key = reader.nextKey(ATTRIBUTE, key)) {
      seen = once(seen, key);
      switch (ATTRIBUTE.names[key]) {
        case 'key':
          name = reader.readName();
          break;
        case 'value':
          value = readValue(reader, budget, depth);
          break;
        default:
          reader.skip();
      }
    }
    if (value !== undefined) setEntry(into, name, value);
  }
}

const VALUE = new Keys(
  'stringValue',
  'intValue',
  'doubleValue',
  'boolValue',
  'arrayValue',
  'kvlistValue',
  'bytesValue',
);

/** Reads an `AnyValue`; undefined if none is set. */
export function readValue(reader: JsonReader, budget: Budget, depth = 0): unknown {
  if (reader.skipNull()) return undefined;
  let value: unknown;
  let isSet = false;
  for (let key = reader.firstKey(VALUE); key !== END; key = reader.nextKey(VALUE, key)) {
    if (key === UNKNOWN) {
      reader.skip();
      continue;
    }
    // Which of several counts is not known here.
    if (isSet) throw new Doubt();
    isSet = true;
    value = reader.skipNull() ? undefined : readSetValue(reader, key, budget, depth);
  }
  return value;
}

function readSetValue(reader: JsonReader, key: number, budget: Budget, depth: number): unknown {
  switch (VALUE.names[key]) {
    case 'stringValue':
      return reader.readText();
    case 'intValue':
      return readInt64(reader);
    case 'doubleValue':
      return doubleOf(reader.readScalar());
    case 'boolValue':
      return booleanOf(reader.readScalar());
    case 'arrayValue':
      return readList(reader, budget, depth + 1);
    case 'kvlistValue':
      return readMap(reader, budget, depth + 1);
    default:
      return base64Of(reader.readScalar());
  }
}

/** No more are a safe integer, whatever they are. */
const EXACT_DIGITS = 15;

function readInt64(reader: JsonReader): number | string {
  const count = reader.countDigits(EXACT_DIGITS);
  return count > 0 ? reader.takeDigits(count) : int64Of(reader.readScalar());
}

const VALUES = new Keys('values');

function readList(reader: JsonReader, budget: Budget, depth: number): unknown[] {
  const list: unknown[] = [];
  readValues(reader, depth, () => {
    for (let isItem = reader.firstItem(); isItem; isItem = reader.nextItem()) {
      if (!budget.take(1)) throw new Doubt();
      list.push(readValue(reader, budget, depth) ?? null);
    }
  });
  return list;
}

function readMap(reader: JsonReader, budget: Budget, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  readValues(reader, depth, () => readAttributes(reader, map, budget, depth));
  return map;
}

/** Reads an object that has nothing but a list of values. */
function readValues(reader: JsonReader, depth: number, read: () => void): void {
  if (depth > MAX_DEPTH) throw new Doubt();
  let seen = 0;
  for (let key = reader.firstKey(VALUES); key !== END; key = reader.nextKey(VALUES, key)) {
    seen = once(seen, key);
    if (key === UNKNOWN) reader.skip();
    else read();
  }
}
