/**
 * Counts the data points of a metrics request. Metrics are not stored, and the sender is to know how many were not. A
 * request of many megabytes is counted in steps: a generator yields between some of its metrics.
 */
import protobuf from 'protobufjs/minimal.js';
import { isObject } from '../../../wire/json.ts';
import { withJsonNames } from './json-names.ts';
import { enter, leave, type Reader, skip } from './protobuf-values.ts';

/** From the request down to the data point; the last but one is the kind of the metric: gauge, sum, histogram, … */
const PATH: readonly (readonly number[])[] = [[1], [2], [2], [5, 7, 9, 10, 11], [1]];
const LENGTH_DELIMITED = 2;
/** Fields of one message that are looked at in a step. */
const FIELDS_OF_STEP = 100;

/** @throws {Error} if the bytes are not protobuf. */
export function* countPointsInProtobuf(bytes: Buffer): Generator<void, number> {
  return yield* countIn(protobuf.Reader.create(bytes), 0);
}

function* countIn(reader: Reader, level: number): Generator<void, number> {
  let count = 0;
  for (let fields = 1; reader.pos < reader.len; fields += 1) {
    const tag = reader.tag();
    if ((tag & 7) !== LENGTH_DELIMITED || !PATH[level]!.includes(tag >>> 3)) skip(reader, tag);
    else if (level === PATH.length - 1) {
      count += 1;
      skip(reader, tag);
    } else {
      const end = enter(reader);
      count += yield* countIn(reader, level + 1);
      leave(reader, end);
    }
    if (fields % FIELDS_OF_STEP === 0) yield;
  }
  return count;
}

const KEYS: readonly (readonly string[])[] = [
  ['resourceMetrics'],
  ['scopeMetrics'],
  ['metrics'],
  ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'],
  ['dataPoints'],
];

/** Counts what it finds, and looks for nothing where the body is not what OTLP says. */
export function* countPointsInJson(body: unknown, level = 0): Generator<void, number> {
  if (!isObject(body)) return 0;
  const fields = withJsonNames(body);
  let count = 0;
  for (const key of KEYS[level]!) {
    const items = [fields[key] ?? []].flat();
    if (level === KEYS.length - 1) count += items.length;
    else {
      for (const [index, item] of items.entries()) {
        count += yield* countPointsInJson(item, level + 1);
        if (index % FIELDS_OF_STEP === FIELDS_OF_STEP - 1) yield;
      }
    }
  }
  return count;
}
