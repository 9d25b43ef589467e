/** Damaged and hostile input: no throw but what becomes a 400 or 413, no hang, bounded memory. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countPointsInJson, countPointsInProtobuf } from '../../../src/server/otlp/decoding/count-points.ts';
import * as json from '../../../src/server/otlp/decoding/decode-json.ts';
import * as binary from '../../../src/server/otlp/decoding/decode-protobuf.ts';
import { toEnd } from '../../../src/server/store/steps.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { expectCheap } from '../http/expect-cheap.ts';
import { encode, logsData, tracesData } from './otlp-messages.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 500);
const recorded = readFileSync('test/fixtures/otlp/python-traces.bin');

type Damage = (bytes: Buffer) => Buffer;

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(255)).map(
    ([at, byte]): Damage =>
      (bytes) => {
        const copy = Buffer.from(bytes);
        if (copy.length > 0) copy[at % copy.length] = byte;
        return copy;
      },
  ),
  fc.nat().map(
    (at): Damage =>
      (bytes) =>
        bytes.subarray(0, at % (bytes.length + 1)),
  ),
  fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 12 })).map(
    ([at, more]): Damage =>
      (bytes) => {
        const place = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, place), more, bytes.subarray(place)]);
      },
  ),
  // A length of 2 GiB, and a varint that does not end.
  fc.tuple(fc.nat(), fc.constantFrom([0xff, 0xff, 0xff, 0xff, 0x07], Array(12).fill(0xff))).map(
    ([at, more]): Damage =>
      (bytes) => {
        const place = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, place), Buffer.from(more), bytes.subarray(place)]);
      },
  ),
);

const countProtobuf = (bytes: Buffer) => toEnd(countPointsInProtobuf(bytes));
const countJson = (body: unknown) => toEnd(countPointsInJson(body));

/** Whether the input was taken. Only errors whose message can be sent back are thrown. */
function isTaken(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).not.toBe('');
    expect((error as Error).stack).not.toMatch(/Maximum call stack|out of memory/);
    return false;
  }
}

test('damaged protobuf is taken or refused', () => {
  const messages = fc.oneof(
    tracesData.map((message) => encode('TracesData', message)),
    logsData.map((message) => encode('LogsData', message)),
    fc.constant(recorded),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  let refused = 0;
  fc.assert(
    fc.property(messages, fc.array(damage, { minLength: 1, maxLength: 4 }), (message, damages) => {
      const bytes = damages.reduce((damaged, change) => change(damaged), message);
      for (const read of [binary.decodeTraces, binary.decodeLogs, countProtobuf]) {
        if (!isTaken(() => read(bytes))) refused += 1;
      }
    }),
    { numRuns },
  );
  expect(refused).toBeGreaterThan(0);
});

test('any JSON is taken or refused', () => {
  const anywhere = fc.oneof(
    fc.jsonValue({ maxDepth: 8 }),
    fc.tuple(tracesData, fc.jsonValue(), fc.nat()).map(([message, value, at]) => replaceOne(message, value, at)),
  );
  fc.assert(
    fc.property(anywhere, (value) => {
      for (const read of [json.decodeTraces, json.decodeLogs, countJson]) isTaken(() => read(value));
    }),
    { numRuns },
  );
});

/** Replaces a value somewhere in the tree. */
function replaceOne(tree: unknown, value: unknown, at: number): unknown {
  if (at % 4 === 0 || typeof tree !== 'object' || tree === null) return value;
  const entries = Object.entries(tree);
  if (entries.length === 0) return value;
  const place = at % entries.length;
  const changed = entries.map(([key, field], index) => [
    key,
    index === place ? replaceOne(field, value, at >> 2) : field,
  ]);
  return Array.isArray(tree) ? changed.map(([, field]) => field) : Object.fromEntries(changed);
}

/** A message in a message: `bytes` under the tag. */
function field(tag: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest % 128) | 128);
  }
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}

function inSpan(attributeValue: Buffer): Buffer {
  const ids = [field(10, Buffer.alloc(16, 1)), field(18, Buffer.alloc(8, 1))];
  const attribute = field(74, Buffer.concat([field(10, Buffer.from('k')), field(18, attributeValue)]));
  return field(10, field(18, field(18, Buffer.concat([...ids, attribute]))));
}

function nested(levels: number): Buffer {
  let value = field(10, Buffer.from('x'));
  for (let level = 0; level < levels; level += 1) value = field(42, field(10, value));
  return value;
}

const PROTOBUF_BOMBS: [name: string, bytes: () => Buffer, status: number][] = [
  ['lists in lists', () => inSpan(nested(5_000)), 200],
  ['groups in groups', () => Buffer.alloc(1_000_000, 0x0b), 400],
  ['empty spans', () => field(10, field(18, Buffer.alloc(6_000_000, Buffer.from([18, 0])))), 413],
  ['empty resources', () => Buffer.alloc(6_000_000, Buffer.from([10, 0])), 413],
  ['empty attributes', () => field(10, field(18, field(18, Buffer.alloc(6_000_000, Buffer.from([74, 0]))))), 413],
  ['empty scopes', () => field(10, Buffer.alloc(700_000, Buffer.from([18, 0]))), 200],
  ['fields that are not known', () => field(10, field(18, field(18, Buffer.alloc(6_000_000, 0x78)))), 413],
  [
    'one field again and again',
    () => field(10, field(18, field(18, Buffer.alloc(6_000_000, Buffer.from([10, 0]))))),
    413,
  ],
  ['a long group', () => Buffer.alloc(6_000_000, 0x78).fill(0x0b, 0, 1), 413],
  ['empty values', () => inSpan(field(42, Buffer.alloc(6_000_000, Buffer.from([10, 0])))), 413],
  ['a length of 2 GiB', () => Buffer.from([10, 0xff, 0xff, 0xff, 0xff, 0x07]), 400],
  ['a varint without an end', () => Buffer.alloc(100_000, 0xff), 400],
  ['zeros, 30 MiB when unpacked', () => Buffer.alloc(30 * 1024 * 1024), 413],
];

const JSON_BOMBS: [name: string, text: () => string, status: number][] = [
  ['lists in lists', () => '['.repeat(8_000_000), 400],
  ['objects in objects', () => '{"a":'.repeat(3_000_000), 400],
  ['empty spans', () => `{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(5_000_000)}{}]}]}]}`, 413],
  ['numbers', () => `{"resourceSpans":[${'1,'.repeat(8_000_000)}1]}`, 413],
  ['cut JSON', () => '{"resourceSpans":[{"scopeSpans":[{', 400],
];

test.each([
  ...PROTOBUF_BOMBS.map(
    ([name, bytes, status]) => [`protobuf: ${name}`, bytes, 'application/x-protobuf', status] as const,
  ),
  ...JSON_BOMBS.map(([name, text, status]) => [`JSON: ${name}`, text, 'application/json', status] as const),
])('%s: answered quickly, and others hardly wait', async (_, make, type, status) => {
  const { url, call } = await startTestServer();
  await call('GET', '/healthz');
  const body = new Uint8Array(gzipSync(make(), { level: 1 }));
  const answer = await expectCheap(`${url}/v1/traces`, body, type);
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe(type);
});
