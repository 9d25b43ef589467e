/** The short way from the bytes of OTLP's JSON says what the long way says, or nothing. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8 } from '../../../src/server/http/bytes/decode-utf8.ts';
import * as long from '../../../src/server/otlp/decoding/decode-json.ts';
import * as short from '../../../src/server/otlp/decoding/decode-json-bytes.ts';
import type { Decoded } from '../../../src/server/otlp/decoding/decoded.ts';
import type { RecordedRequest } from '../../fixtures/otlp/recorded-request.ts';
import { logsData, tracesData } from './otlp-messages.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 300);
const WAYS = {
  traces: [short.decodeTraces, long.decodeTraces],
  logs: [short.decodeLogs, long.decodeLogs],
} as const;

/** Returns whether the request takes the short way, after it was compared with the long one. */
function compare(signal: keyof typeof WAYS, bytes: Buffer): boolean {
  const decoded = WAYS[signal][0](bytes, 'project');
  if (!decoded) return false;
  const right = WAYS[signal][1](JSON.parse(decodeUtf8(bytes)), 'project');
  expect(seen(decoded)).toEqual(seen(right));
  // The order of attributes counts, too.
  expect(JSON.stringify(seen(decoded))).toBe(JSON.stringify(seen(right)));
  return true;
}

function seen({ spans, events, rejections }: Decoded) {
  return { spans: spans.map(({ slice, ...rest }) => ({ ...slice, ...rest })), events, rejected: rejections.message };
}

/** What the short way has to know, or to doubt: members of objects, values, and pieces of JSON. */
const MEMBERS = words(String.raw`
  "traceId":null "name":"twice" "name":null "trace_id":"x" "\u006eame":"x" "__proto__":1 "é":1
  "new":{"a":[1,{"b":"\n"}]} "stringValue":"s" "stringValue":null "intValue":"7" "values":[]
  "attributes":[] "attributes":null "resource":null "events":null "kind":2 "key":"k" "value":{}
  "intValue":null "doubleValue":1.5 "boolValue":true "arrayValue":{} "bytesValue":"AA"
  "droppedAttributesCount":1 "flags":769 "version":"2" "code":1 "timeUnixNano":5 "spans":[]`);
const VALUES = words(String.raw`
  null true false 0 -0 1 -1 01 1. 1.5 1e3 1e999 1e18 1234567890123456789012
  {} [] "" "x" "é" "😀" "\ud83d" "NaN" "Infinity" "12.0" "+7" "-7" "0" "00"
  [{"key":"z","value":{"boolValue":true}}] [{"name":"twice"}] {"code":2,"message":"m"} [{"stringValue":"s"}]
  {"values":[{"key":"k","value":{"intValue":1}}]} {"attributes":[{"key":"z","value":{"intValue":1}}]}
  "9007199254740993" "123456789012345678901" "SPAN_KIND_CLIENT" "STATUS_CODE_OK" "-_8"
  "ABCDEF0123456789" "AAAAAAAAAAE=" "0000000000000000"`);
VALUES.push('" 5 "', `"${'x'.repeat(2_000)}’"`);
const PIECES = [
  ...['{', '}', '[', ']', ',', ':', '"', '\\', '\\"', '\\u0041', '\\ud800', '\\x', ' ', '\n', '\t', '\u0001', '_', 'é'],
].map((piece) => Buffer.from(piece));
const NO_UTF8 = [[0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf]].map((bytes) =>
  Buffer.from(bytes),
);

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

const place = fc.nat(9_999).map((number) => number / 10_000);
type Change = (text: string) => string;

/** Replaces one of those that match. */
function replaceOne(text: string, pattern: RegExp, at: number, by: (found: string) => string): string {
  const found = [...text.matchAll(pattern)];
  const chosen = found[Math.floor(at * found.length)];
  if (!chosen) return text;
  const { index, 0: whole } = chosen;
  return text.slice(0, index) + by(whole) + text.slice(index + whole.length);
}

const SCALAR = /:\s*(?:"[^"\\]*"|[\d.e+-]+)/g;
const KEY = /"\w+"(?=:)/g;

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, fc.constantFrom(...MEMBERS)).map(
    ([at, member]): Change =>
      (text) =>
        replaceOne(text, KEY, at, (key) => `${member},${key}`),
  ),
  // The same key twice.
  fc.tuple(place, fc.constantFrom(...VALUES)).map(
    ([at, value]): Change =>
      (text) =>
        replaceOne(text, KEY, at, (key) => `${key}:${value},${key}`),
  ),
  fc.tuple(place, fc.constantFrom(...VALUES)).map(
    ([at, value]): Change =>
      (text) =>
        replaceOne(text, SCALAR, at, () => `:${value}`),
  ),
  place.map(
    (at): Change =>
      (text) =>
        replaceOne(text, KEY, at, (key) => `${key.slice(0, -1)}x"`),
  ),
);

const damage = fc
  .record({ at: place, takenOut: fc.constantFrom(0, 1, 2), piece: fc.constantFrom(...PIECES, ...NO_UTF8) })
  .map(({ at, takenOut, piece }) => (bytes: Buffer) => {
    const start = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, start), piece, bytes.subarray(start + takenOut)]);
  });

const indent = fc.constantFrom(undefined, undefined, 1, '\t', '\r\n  ');
/** A byte that is anywhere in memory, since words are read at their boundaries. */
const shift = fc.nat(3);

function bytesOf(message: unknown, space: string | number | undefined, offset: number): Buffer {
  const text = JSON.stringify(message, undefined, typeof space === 'string' ? '\t' : space);
  const spaced = typeof space === 'string' && space !== '\t' ? text.replaceAll('\n', '\r\n ') : text;
  return Buffer.concat([Buffer.alloc(offset, '"'), Buffer.from(spaced)]).subarray(offset);
}

test.each([
  ['traces', tracesData],
  ['logs', logsData],
] as const)('%s, as SDKs write them, take the short way', (signal, messages) => {
  fc.assert(
    fc.property(messages, indent, shift, (message, space, offset) => {
      expect(compare(signal, bytesOf(message, space, offset))).toBe(true);
    }),
    { numRuns },
  );
});

test.each([
  ['traces', tracesData],
  ['logs', logsData],
] as const)('%s with anything in them are read as the long way reads them, or left to it', (signal, messages) => {
  let taken = 0;
  const changes = fc.array(change, { minLength: 1, maxLength: 3 });
  const damages = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(damage, { maxLength: 1 }));
  fc.assert(
    fc.property(messages, indent, changes, damages, (message, space, changed, damaged) => {
      const text = changed.reduce((before, apply) => apply(before), bytesOf(message, space, 0).toString());
      if (
        compare(
          signal,
          damaged.reduce((before, apply) => apply(before), Buffer.from(text)),
        )
      )
        taken += 1;
    }),
    // The smallest that fails takes long to find.
    { numRuns: numRuns * 5, endOnFailure: true },
  );
  // Else too little would be compared.
  expect(taken).toBeGreaterThan((numRuns * 5) / 4);
});

const IDS = '"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef"';
const MEGABYTE = 1024 * 1024;

function requestOf(...spans: readonly string[]): Buffer {
  return Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${spans.join()}]}]}]}`);
}

/** A span that has all there is. */
function wholeRequest(): Buffer {
  const attributes = [
    { key: 'text', value: { stringValue: 'a "quoted"\n text' } },
    { key: 'int', value: { intValue: '12' } },
    { key: 'list', value: { arrayValue: { values: [{ doubleValue: 1.5 }, { boolValue: true }, {}] } } },
    { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { bytesValue: 'AP8=' } }] } } },
  ];
  const span = {
    ...{ traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef', parentSpanId: '', flags: 257 },
    ...{ name: 'é', kind: 3, startTimeUnixNano: '1500000000500000000', endTimeUnixNano: 1.5e18, attributes },
    events: [{ timeUnixNano: '15', name: 'e', attributes: [], droppedAttributesCount: 0 }],
    ...{ links: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }], status: { code: 2, message: 'm' } },
  };
  const scope = { name: 's', version: '1' };
  return bytesOf({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope, spans: [span] }] }] }, 1, 0);
}

test('every change of one byte of a request is read as the long way reads it, or left to it', () => {
  const bytes = wholeRequest();
  expect(compare('traces', bytes)).toBe(true);
  let taken = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    for (const byte of Buffer.from('"\\{}[]:,0-eE.n_ \n\u0001\u00ff', 'latin1')) {
      const changed = Buffer.from(bytes);
      changed[at] = byte;
      if (compare('traces', changed)) taken += 1;
    }
  }
  expect(taken).toBeGreaterThan(bytes.length);
});

test('each key twice, and each member anywhere, are read as the long way reads them, or left to it', () => {
  const text = wholeRequest().toString();
  let taken = 0;
  for (const { index, 0: key } of text.matchAll(KEY)) {
    for (const member of [...VALUES.map((value) => `${key}:${value}`), ...MEMBERS]) {
      if (compare('traces', Buffer.from(`${text.slice(0, index)}${member},${text.slice(index)}`))) taken += 1;
    }
  }
  expect(taken).toBeGreaterThan(100);
});

test('what other tools have sent takes the short way', () => {
  for (const file of ['python-plain', 'claude-code-json']) {
    const requests = JSON.parse(readFileSync(`test/fixtures/otlp/${file}.json`, 'utf8')) as RecordedRequest[];
    for (const { path, headers, body } of requests) {
      if (headers['content-type'] !== 'application/json' || path === '/v1/metrics') continue;
      expect(compare(path === '/v1/logs' ? 'logs' : 'traces', Buffer.from(body, 'base64')), file).toBe(true);
    }
  }
});

test('long texts, in any letters, with what is escaped in them', () => {
  const piece = fc.constantFrom('x'.repeat(700), 'é', '’', '😀', '\\n', '\\"', '\\u00e9', '\\ud83d\\ude00', '\\ud83d');
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), shift, (pieces, offset) => {
      const attribute = `{"key":"text","value":{"stringValue":"${pieces.join('')}"}}`;
      const request = requestOf(`{${IDS},"attributes":[${attribute}]}`);
      const bytes = Buffer.concat([Buffer.alloc(offset), request]).subarray(offset);
      expect(compare('traces', bytes)).toBe(true);
    }),
    { numRuns },
  );
});

test('long names are cut as on the long way', () => {
  const name = 'n'.repeat(100_000);
  const scope = `{"name":"${name}","version":"${name}"}`;
  const request = `{"resourceSpans":[{"scopeSpans":[{"scope":${scope},"spans":[{${IDS},"name":"${name}"}]}]}]}`;
  expect(compare('traces', Buffer.from(request))).toBe(true);
});

/** Members of a span, with texts of this length. */
function texts(count: number, length: number): string {
  const attributes = Array.from({ length: count }, (_, index) => {
    const text = `é\\n${index}`.repeat(length).slice(0, length);
    return `{"key":"${index}","value":{"stringValue":"${text.replace(/\\$/, 'x')}"}}`;
  });
  return `${IDS},"attributes":[${attributes.join()}]`;
}

test('a request of many megabytes takes the short way, wherever its spans begin and end', () => {
  for (const length of [1_000, 20_011, 70_003]) {
    const spans = Array.from({ length: (3 * MEGABYTE) / length / 2 }, () => `{${texts(2, length)}}`);
    expect(compare('traces', requestOf(...spans))).toBe(true);
  }
});

test.each([
  ['one long text', `{${texts(1, 2 * MEGABYTE)}}`],
  ['many texts', `{${texts(20, MEGABYTE / 10)}}`],
  ['what is not known', `{${IDS},"new":[${'0,'.repeat(MEGABYTE)}0]}`],
  ['a number', `{${IDS},"new":${'1'.repeat(2 * MEGABYTE)}}`],
  ['spaces', `{${IDS},"new":${' '.repeat(2 * MEGABYTE)}1}`],
])('a span that would hold up others for its length is left to the long way: %s', (_, span) => {
  expect(short.decodeTraces(requestOf(span))).toBeUndefined();
  expect(short.decodeTraces(requestOf(`{${IDS}}`, span))).toBeUndefined();
});

/** Each span has so many of these in a list. */
const spansWith = (spans: number, count: number, list: string, item: string) =>
  requestOf(...Array<string>(spans).fill(`{${IDS},${list.replace('?', Array<string>(count).fill(item).join())}}`));

const LIST = '"attributes":[{"key":"a","value":{"arrayValue":{"values":[?]}}}]';

test.each([
  ['spans', () => requestOf(...Array<string>(100_000).fill('{}'))],
  ['events', () => spansWith(5, 80_000, '"events":[?]', '{}')],
  ['links', () => spansWith(5, 80_000, '"links":[?]', '{}')],
  ['attributes', () => spansWith(200, 10_000, '"attributes":[?]', '{}')],
  ['values', () => spansWith(20, 100_000, LIST, '{}')],
  ['attributes of one span', () => spansWith(1, 10_001, '"attributes":[?]', '{}')],
])('too many %s are left to the long way', (_, make) => {
  expect(short.decodeTraces(make())).toBeUndefined();
});

test('values may be as deep as on the long way, and deeper ones are left to it', () => {
  const listsIn = (depth: number): string => (depth === 0 ? '{}' : `{"arrayValue":{"values":[${listsIn(depth - 1)}]}}`);
  const spanOf = (depth: number) => requestOf(`{${IDS},"attributes":[{"key":"a","value":${listsIn(depth)}}]}`);
  expect(compare('traces', spanOf(32))).toBe(true);
  expect(compare('traces', spanOf(33))).toBe(false);
});

test('nothing behind the part that is read in one step is passed over', () => {
  const request = requestOf(`{${IDS}}`).toString();
  expect(compare('traces', Buffer.from(`${request}${' '.repeat(MEGABYTE / 4)}`))).toBe(true);
  expect(short.decodeTraces(Buffer.from(`${request}${' '.repeat(MEGABYTE - request.length)}x`))).toBeUndefined();
});

test.each([
  ['nothing', ''],
  ['spaces', '  '],
  ['no object', '[]'],
  ['no list', '{}'],
  ['something behind it', '{"resourceSpans":[]} x'],
  ['a list that is there twice', '{"resourceSpans":[],"resourceSpans":[]}'],
  ["the schema's name", '{"resourceSpans":[],"schema_url":""}'],
  ['an escaped key', '{"resourceSpans":[],"\\u0072esource":1}'],
  ['deep nesting', `{"resourceSpans":[],"new":${'['.repeat(100)}${']'.repeat(100)}}`],
  ['no UTF-8', Buffer.from('{"resourceSpans":[],"new":"\xff"}', 'latin1')],
])('%s is left to the long way', (_, text) => {
  expect(short.decodeTraces(Buffer.from(text))).toBeUndefined();
});
