/** The decoders against protobufjs's own, and against each other. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countPointsInJson, countPointsInProtobuf } from '../../../src/server/otlp/decoding/count-points.ts';
import * as json from '../../../src/server/otlp/decoding/decode-json.ts';
import * as binary from '../../../src/server/otlp/decoding/decode-protobuf.ts';
import type { Decoded } from '../../../src/server/otlp/decoding/decoded.ts';
import { toEnd } from '../../../src/server/store/steps.ts';
import { decode, encode, logsData, tracesData } from './otlp-messages.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 300);

/** What vocabularies see of it. */
function seen({ spans, events, rejections }: Decoded) {
  return {
    spans: spans.map(({ slice, projectName }) => ({
      ...slice,
      context: { ...slice.spanContext(), traceState: slice.spanContext().traceState?.serialize() },
      parent: { ...slice.parentSpanContext, traceState: undefined },
      duration: slice.duration,
      projectName,
    })),
    events,
    rejected: rejections.message,
  };
}

test.each([
  ['spans', tracesData, 'TracesData', binary.decodeTraces, json.decodeTraces],
  ['log records', logsData, 'LogsData', binary.decodeLogs, json.decodeLogs],
] as const)(
  '%s are the same from protobuf and from JSON, and what protobufjs reads',
  (_, messages, name, fromBinary, fromJson) => {
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = encode(name, message);
        const decoded = seen(fromBinary(bytes));
        expect(decoded).toEqual(seen(fromJson(message)));
        // Encoded and decoded again by protobufjs, with base64 ids and its own order of fields.
        expect(decoded).toEqual(seen(fromJson(decode(name, bytes))));
      }),
      { numRuns },
    );
  },
);

test('a field that is unknown is skipped, wherever it is', () => {
  const known = encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans: [{ ...IDS, name: 'x' }] }] }] });
  const unknown = Buffer.concat([
    Buffer.from([0xf8, 0x3f, 0x96, 0x01]), // 1023: varint
    Buffer.from([0xf9, 0x3f, 1, 2, 3, 4, 5, 6, 7, 8]), // 64 bits
    Buffer.from([0xfa, 0x3f, 2, 0xff, 0xff]), // bytes
    Buffer.from([0xfb, 0x3f, 0x08, 0x01, 0xfc, 0x3f]), // a group
    Buffer.from([0xfd, 0x3f, 1, 2, 3, 4]), // 32 bits
  ]);
  const { spans } = binary.decodeTraces(Buffer.concat([unknown, known, unknown]));
  expect(spans.map(({ slice }) => slice.name)).toEqual(['x']);
  const body = {
    resourceSpans: [{ new: 1, scopeSpans: [{ new: {}, spans: [{ ...IDS, name: 'x', new: [[]] }] }] }],
    new: null,
  };
  expect(json.decodeTraces(body).spans.map(({ slice }) => slice.name)).toEqual(['x']);
});

test('the resource counts for all its spans, also where it comes after them', () => {
  const spansOnly = encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans: [IDS] }] }] });
  const resourceOnly = encode('TracesData', {
    resourceSpans: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 'late' } }] } }],
  });
  const inner = Buffer.concat([spansOnly.subarray(2), resourceOnly.subarray(2)]);
  const [span] = binary.decodeTraces(Buffer.concat([Buffer.from([10, inner.length]), inner])).spans;
  expect(span?.projectName).toBe('late');
  expect(span?.slice.resource?.attributes).toEqual({ 'service.name': 'late' });
});

const IDS = { traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef' };

function manyTrue(key: string, count: number): object {
  return { key, value: { arrayValue: { values: Array(count).fill({ boolValue: true }) } } };
}

function countTrue(value: unknown): number {
  if (typeof value !== 'object' || value === null) return value === true ? 1 : 0;
  return Object.values(value).reduce<number>((sum, each) => sum + countTrue(each), 0);
}

describe.each([
  [
    'protobuf',
    (spans: object[]) => binary.decodeTraces(encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans }] }] })),
  ],
  ['JSON', (spans: object[]) => json.decodeTraces({ resourceSpans: [{ scopeSpans: [{ spans }] }] })],
])('%s', (_, decodeSpans) => {
  test('a span whose ids are not ids is rejected, with the reason and the number', () => {
    const { spans, rejections } = decodeSpans([
      IDS,
      { ...IDS, traceId: '' },
      { ...IDS, traceId: 'ab' },
      { ...IDS, spanId: '0000000000000000' },
      { ...IDS, parentSpanId: 'abcd' },
    ]);
    expect(spans).toHaveLength(1);
    expect(rejections.count).toBe(4);
    expect(rejections.message).toBe(
      '2 × the trace id is not 16 bytes, or zero; 1 × the span id is not 8 bytes, or zero; 1 × the parent span id is not 8 bytes',
    );
  });

  test('every span counts as sampled, and bits 8 and 9 say whether the parent is remote', () => {
    const parentSpanId = 'ffffffffffffffff';
    const flags = [0, 0x100, 0x101, 0x300, 0x200].map((bits) => ({ ...IDS, parentSpanId, flags: bits }));
    const slices = decodeSpans(flags).spans.map(({ slice }) => slice);
    expect(slices.map((slice) => slice.spanContext().traceFlags)).toEqual([1, 1, 1, 1, 1]);
    expect(slices.map((slice) => slice.parentSpanContext?.isRemote)).toEqual([
      undefined,
      false,
      false,
      true,
      undefined,
    ]);
  });

  test('a trace state that is longer than headers are is none', () => {
    const states = ['a=b', 'a=b,'.repeat(5_000)];
    const { spans } = decodeSpans(states.map((traceState) => ({ ...IDS, traceState })));
    expect(spans.map(({ slice }) => slice.spanContext().traceState?.get('a'))).toEqual(['b', undefined]);
  });

  test('a name has as many characters as one of a log', () => {
    const [span] = decodeSpans([{ ...IDS, name: 'n'.repeat(100_000) }]).spans;
    expect(span?.slice.name).toBe('n'.repeat(10_000));
  });

  test('values that are nested too deeply are cut, and the span is kept', () => {
    let deep: object = { stringValue: 'x' };
    for (let level = 0; level < 36; level += 1) {
      deep = level % 2 ? { arrayValue: { values: [deep] } } : { kvlistValue: { values: [{ key: 'k', value: deep }] } };
    }
    const [span] = decodeSpans([{ ...IDS, attributes: [{ key: 'deep', value: deep }] }]).spans;
    let levels = 0;
    let value: unknown = span?.slice.attributes['deep'];
    for (; typeof value === 'object'; levels += 1) value = Object.values(value as object)[0];
    expect([levels, value]).toEqual([32, '(nested too deeply)']);
  });

  test('a key cannot be the prototype of the attributes, or of a map in them', () => {
    const map = { kvlistValue: { values: [{ key: 'polluted', value: { boolValue: true } }] } };
    const nested = { kvlistValue: { values: [{ key: '__proto__', value: map }] } };
    const attributes = [
      { key: '__proto__', value: map },
      { key: 'map', value: nested },
    ];
    const [span] = decodeSpans([{ ...IDS, attributes }]).spans;
    expect(Object.getPrototypeOf(span!.slice.attributes)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(span!.slice.attributes['map'])).toBe(Object.prototype);
  });

  test('attributes beyond the limit are counted as dropped', () => {
    const attributes = Array.from({ length: 10_003 }, (_, index) => ({ key: `k${index}`, value: { intValue: '1' } }));
    const [span] = decodeSpans([{ ...IDS, attributes, droppedAttributesCount: 2 }]).spans;
    expect(Object.keys(span!.slice.attributes)).toHaveLength(10_000);
    expect(span!.slice.droppedAttributesCount).toBe(5);
  });

  test.each([
    ['events', { events: Array.from({ length: 30_000 }, () => ({ name: 'e' })) }, [20_000, 0, 0]],
    ['links', { links: Array.from({ length: 30_000 }, () => ({ spanId: 'ab'.repeat(8) })) }, [0, 20_000, 0]],
    ['values of lists', { attributes: [manyTrue('a', 60_000), manyTrue('b', 60_000)] }, [0, 0, 99_998]],
    ['values of events', { events: Array(3).fill({ attributes: [manyTrue('a', 40_000)] }) }, [3, 0, 99_982]],
  ])(
    '%s beyond what one span may have are left out, which is said, and the spans beside it have all',
    (_, fields, expected) => {
      const event = { events: [{ name: 'kept' }] };
      const { spans, rejections } = decodeSpans([
        { ...IDS, ...event },
        { ...IDS, ...fields },
        { ...IDS, ...event },
      ]);
      const [before, cut, after] = spans.map(({ slice }) => slice);
      expect([cut!.events.length, cut!.links!.length, countTrue([cut!.attributes, cut!.events])]).toEqual(expected);
      expect(rejections.message).toBe(
        '1 × more than 100000 values in one span, log record or resource: the last were left out',
      );
      expect([before, cut, after].map((span) => span!.droppedAttributesCount)).toEqual([0, 1, 0]);
      expect([before!.events.length, after!.events.length]).toEqual([1, 1]);
    },
  );

  test('a request of a million spans is too much', () => {
    const spans = Array.from({ length: 120_000 }, () => ({}));
    expect(() => decodeSpans(spans)).toThrow('the request has more than');
  });

  test('times are exact to the nanosecond, and 0 is none', () => {
    const { slice } = decodeSpans([
      { ...IDS, startTimeUnixNano: '1795699435999999999', endTimeUnixNano: '1795699437000000001' },
    ]).spans[0]!;
    expect([slice.startTime, slice.endTime, slice.duration]).toEqual([
      [1795699435, 999999999],
      [1795699437, 1],
      [1, 2],
    ]);
    const [none] = decodeSpans([IDS]).spans;
    expect(none!.slice.duration).toEqual([Number.NaN, Number.NaN]);
  });
});

test.each([
  [{ resourceSpans: {} }, 'resourceSpans: expected a list, got an object'],
  [{ resourceSpans: [1] }, 'resourceSpans: expected an object, got 1'],
  [[], 'the body: expected an object, got a list'],
  [{ resourceSpans: [{ scopeSpans: [{ spans: [{ name: 5 }] }] }] }, 'name: expected a text, got 5'],
  [{ resourceSpans: [{ scopeSpans: [{ spans: [{ kind: 1.5 }] }] }] }, 'kind: expected a whole number, got 1.5'],
  [
    { resourceSpans: [{ scopeSpans: [{ spans: [{ startTimeUnixNano: 'soon' }] }] }] },
    'startTimeUnixNano: expected nanoseconds since 1970, got "soon"',
  ],
  [
    { resourceSpans: [{ resource: { attributes: [{ key: 'a', value: 'text' }] } }] },
    'value: expected an object, got "text"',
  ],
])('%j: says which field, what was expected and what came', (body, message) => {
  expect(() => json.decodeTraces(body)).toThrow(message);
});

test('numbers as numbers, enums by name and ids in capitals or base64 are read, too', () => {
  const { spans } = json.decodeTraces({
    resourceSpans: [
      {
        resource: null,
        scopeSpans: [
          {
            scope: null,
            spans: [
              {
                traceId: '0123456789ABCDEF0123456789ABCDEF',
                spanId: Buffer.from(IDS.spanId, 'hex').toString('base64'),
                kind: 'SPAN_KIND_CLIENT',
                startTimeUnixNano: 1_500_000_000_500_000_000,
                status: { code: 'STATUS_CODE_ERROR' },
                attributes: [
                  { key: 'int', value: { intValue: 5 } },
                  { key: 'nan', value: { doubleValue: 'NaN' } },
                  { key: 'null', value: null },
                ],
                events: null,
              },
            ],
          },
        ],
      },
    ],
  });
  expect(spans[0]?.slice).toMatchObject({
    ...IDS,
    kind: 2,
    startTime: [1_500_000_000, 500_000_000],
    status: { code: 2 },
    attributes: { int: 5, nan: Number.NaN },
  });
});

test('the name of an enum that is not known counts as not set, and is said with its number', () => {
  const kinds = ['SPAN_KIND_AGENT', 'client', '', 'SPAN_KIND_AGENT', 'SPAN_KIND_SERVER', '-4', '3', 99, -4, null];
  const spans = kinds.map((kind) => ({ ...IDS, kind, status: { code: kind === 'client' ? 'ERROR' : 2 } }));
  const decoded = json.decodeTraces({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
  expect(decoded.spans.map(({ slice }) => slice.kind)).toEqual([0, 0, 0, 0, 1, 0, 2, 98, 0, 0]);
  expect(decoded.spans.map(({ slice }) => slice.status.code)).toEqual([2, 0, 2, 2, 2, 2, 2, 2, 2, 2]);
  expect([decoded.rejections.count, decoded.rejections.message]).toEqual([
    0,
    '2 × kind "SPAN_KIND_AGENT" is not known, and counts as not set; ' +
      '1 × kind "client" is not known, and counts as not set; ' +
      '1 × status.code "ERROR" is not known, and counts as not set; ' +
      '1 × kind "" is not known, and counts as not set',
  ]);
  for (const kind of [1.5, {}, true, '9999999999']) {
    const body = { resourceSpans: [{ scopeSpans: [{ spans: [{ ...IDS, kind }] }] }] };
    expect(() => json.decodeTraces(body)).toThrow('kind: expected a whole number');
  }
});

test('what is read of values is the same in each form that JSON may give them', () => {
  const readOf = (value: unknown) => {
    const span = { traceId: IDS.traceId, spanId: IDS.spanId, attributes: [{ key: 'a', value }] };
    return json.decodeTraces({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }).spans[0]?.slice.attributes['a'];
  };
  for (const given of [12, '12', '12.0', '1.2e1']) expect(readOf({ intValue: given })).toBe(12);
  for (const given of ['1.5', 'e1', '']) expect(() => readOf({ intValue: given })).toThrow('a whole number');
  for (const given of ['+_8=', '-_8=', '-_8', '+/8=']) {
    expect(readOf({ bytesValue: given })).toBe(
      given === '+_8=' ? Buffer.from(given, 'base64').toString('base64') : '+/8=',
    );
  }
  for (const kind of ['string', 'int', 'double', 'bool', 'array', 'kvlist', 'bytes']) {
    expect(readOf({ [`${kind}Value`]: null })).toBeUndefined();
  }
  expect(readOf({ stringValue: null, intValue: '3' })).toBe(3);
});

test("the schema's name counts for each field that lacks JSON's, wherever that is", () => {
  const readOf = (span: object, scopes: object = {}) =>
    json.decodeTraces({
      ...{ resourceSpans: null, resource_spans: [{ scopeSpans: null, scope_spans: [{ spans: [span], ...scopes }] }] },
    }).spans[0]?.slice;
  const [time, nanos] = [[1_500_000_000, 500_000_000], '1500000000500000000'];
  const asRead = { ...IDS, startTime: time, name: 'n' };
  expect(readOf({ ...IDS, name: 'n', start_time_unix_nano: nanos })).toMatchObject(asRead);
  expect(
    readOf({ traceId: null, trace_id: IDS.traceId, spanId: IDS.spanId, name: 'n', startTimeUnixNano: nanos }),
  ).toMatchObject(asRead);
  // JSON's name outranks the other, in either order, unless it is null.
  const others = { trace_id: 'a'.repeat(32), start_time_unix_nano: '1' };
  const own = { ...IDS, name: 'n', startTimeUnixNano: nanos };
  expect(readOf({ ...others, ...own })).toMatchObject(asRead);
  expect(readOf({ ...own, ...others })).toMatchObject(asRead);
  const late = { start_time_unix_nano: nanos, startTimeUnixNano: null };
  expect(readOf({ ...IDS, name: 'n', ...late })).toMatchObject(asRead);
  const named = JSON.parse(`{"start_time_unix_nano": "${nanos}", "__proto__": {"name": "evil"}}`);
  expect(readOf({ ...IDS, ...named })).toMatchObject({ ...asRead, name: '' });

  const slice = readOf({
    ...IDS,
    attributes: [{ key: 'a_b', value: { array_value: { values: [{ string_value: 'x' }, { _1: 'y' }] } } }],
    events: [{ name: 'e_f', time_unix_nano: nanos }],
    links: [{ trace_id: IDS.traceId, span_id: IDS.spanId }],
  });
  expect(slice).toMatchObject({
    ...{ attributes: { a_b: ['x', null] }, events: [{ name: 'e_f', time }], links: [{ context: IDS }] },
  });
  const resource = { attributes: [{ key: 'service.name', value: { string_value: 's' } }] };
  const { spans } = json.decodeTraces({ resourceSpans: [{ resource, scopeSpans: [{ spans: [IDS] }] }] });
  expect(spans[0]?.slice.resource?.attributes).toEqual({ 'service.name': 's' });
  const record = { ...IDS, event_name: 'gen_ai.x', body: { string_value: 'b' }, observed_time_unix_nano: nanos };
  const { events } = json.decodeLogs({
    resourceLogs: [{ scopeLogs: [{ logRecords: [record, { event_name: 'n' }] }] }],
  });
  expect(events).toMatchObject([{ ...IDS, eventName: 'gen_ai.x', body: 'b', time }, { eventName: 'n' }]);
});

test('times may have a point or an exponent, and text that is no base64 stays', () => {
  const slices = ['1.5e18', '1500000000000000000.0', '0.0'].map((startTimeUnixNano) => {
    const attributes = [{ key: 'a', value: { bytesValue: 'no base64 - at all' } }];
    const span = { ...IDS, startTimeUnixNano, attributes };
    return json.decodeTraces({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }).spans[0]!.slice;
  });
  expect(slices.map(({ startTime }) => startTime)).toEqual([
    [1_500_000_000, 0],
    [1_500_000_000, 0],
    [Number.NaN, Number.NaN],
  ]);
  expect(slices[0]?.attributes['a']).toBe('no base64 - at all');
  for (const startTimeUnixNano of ['-1.0', '1e30', 'e1', '1.5.']) {
    const body = { resourceSpans: [{ scopeSpans: [{ spans: [{ ...IDS, startTimeUnixNano }] }] }] };
    expect(() => json.decodeTraces(body)).toThrow('nanoseconds since 1970');
  }
});

test("points of metrics are counted also under the schema's names", () => {
  const gauge = { exponential_histogram: { data_points: [{}, {}] }, gauge: { dataPoints: {} } };
  expect(toEnd(countPointsInJson({ resource_metrics: [{ scope_metrics: [{ metrics: [gauge] }] }] }))).toBe(3);
});

test('the points of many metrics are counted in many steps', () => {
  const [count, stepsOf] = [10_000, (steps: Generator<void, number>) => [...steps].length];
  const many = <Item>(item: Item) => Array.from({ length: count }, () => item);
  const metrics = many({ sum: { dataPoints: [{}] } });
  const ofScopes = many({ metrics: [{ sum: { dataPoints: [{}] } }] });
  for (const scopeMetrics of [[{ metrics }], ofScopes]) {
    const body = { resourceMetrics: [{ scopeMetrics }] };
    expect(toEnd(countPointsInJson(body))).toBe(count);
    expect(stepsOf(countPointsInJson(body))).toBe(count / 100);
  }
  // A sum with an empty point, and what is around all of these: a request, a resource, a scope, whose lengths have three bytes.
  const inField = (tag: number, bytes: Buffer) => {
    const length = [(bytes.length & 127) | 128, ((bytes.length >> 7) & 127) | 128, bytes.length >> 14];
    return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
  };
  const sums = Buffer.concat(many(Buffer.from([18, 4, 58, 2, 10, 0])));
  const bytes = inField(10, inField(18, sums));
  expect(toEnd(countPointsInProtobuf(bytes))).toBe(count);
  expect(stepsOf(countPointsInProtobuf(bytes))).toBe(count / 100);
});

test('many scopes and resources without spans are read in many steps', () => {
  const scopeSpans = Array.from({ length: 1_000 }, () => ({ spans: [] }));
  for (const resourceSpans of [[{ scopeSpans }], scopeSpans.map((scope) => ({ scopeSpans: [scope] }))]) {
    for (const steps of [
      json.decodeTracesInSteps({ resourceSpans }),
      binary.decodeTracesInSteps(encode('TracesData', { resourceSpans })),
    ]) {
      expect([...steps].length).toBeGreaterThanOrEqual(1_000);
    }
  }
});

test("the schema's names are read as JSON's, and names of attributes stay", () => {
  const id = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');
  const span = {
    ...{ trace_id: IDS.traceId, span_id: id(IDS.spanId), parent_span_id: '', name: 'a_b', kind: -1 },
    ...{ start_time_unix_nano: '1500000000500000000', end_time_unix_nano: 1_500_000_001_500_000_000 },
    attributes: [{ key: 'my_key', value: { kvlist_value: { values: [{ key: 'x_y', value: { int_value: '3' } }] } } }],
    dropped_attributes_count: 2,
  };
  const resource = { attributes: [{ key: 'service.name', value: { string_value: 'my_service' } }] };
  const scopes = [{ scope: { name: 'my_scope' }, spans: [span], schema_url: 'u' }];
  for (const body of [
    { resource_spans: [{ resource, scope_spans: scopes, schema_url: 'u' }] },
    { resourceSpans: [{ resource, scope_spans: scopes }] },
  ]) {
    const { spans, rejections } = json.decodeTraces(body);
    expect(rejections.message).toBeUndefined();
    expect(spans[0]?.slice).toMatchObject({
      ...{ ...IDS, name: 'a_b', kind: 0, startTime: [1_500_000_000, 500_000_000], duration: [1, 0] },
      ...{
        attributes: { my_key: { x_y: 3 } },
        droppedAttributesCount: 2,
        resource: { attributes: { 'service.name': 'my_service' } },
      },
      instrumentationScope: { name: 'my_scope' },
    });
  }
  const record = { trace_id: IDS.traceId, span_id: IDS.spanId, event_name: 'gen_ai.x', body: { string_value: 'b' } };
  const { events } = json.decodeLogs({ resource_logs: [{ scope_logs: [{ log_records: [record] }] }] });
  expect(events).toMatchObject([{ ...IDS, eventName: 'gen_ai.x', body: 'b' }]);
});

test('a long text of protobuf is read as a short one', () => {
  for (const text of ['x'.repeat(20_000), 'é’😀'.repeat(5_000)]) {
    const attributes = [{ key: 'a', value: { stringValue: text } }];
    const span = { traceId: IDS.traceId, spanId: IDS.spanId, attributes };
    const bytes = encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
    expect(binary.decodeTraces(bytes).spans[0]?.slice.attributes['a']).toBe(text);
    expect(() => binary.decodeTraces(bytes.subarray(0, bytes.length - 100))).toThrow();
  }
});

test('names of attributes are read right however many there are, and whichever have come before', () => {
  const usual = Array.from({ length: 5_000 }, (_, index) => `app.name.${index}`);
  const unusual = ['', 'é', 'né', '\u{1f600}', 'x'.repeat(64), 'x'.repeat(65), 'aé'.repeat(40)];
  const keys = [...usual, ...unusual, ...usual.toReversed(), ...unusual];
  const spans = keys.map((key) => ({ ...IDS, attributes: [{ key, value: { stringValue: key } }] }));
  const bytes = encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans }] }] });
  const read = binary.decodeTraces(bytes).spans.map(({ slice }) => slice.attributes);
  expect(read).toEqual(keys.map((key) => ({ [key]: key })));
});

test('a name of bytes that are no text is read as that each time, and one that ends too late is refused', () => {
  const [span] = [{ ...IDS, attributes: [{ key: 'ab', value: { intValue: '1' } }] }];
  const bytes = encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  const broken = Buffer.from(bytes);
  broken[bytes.indexOf('ab')] = 0xff;
  for (const each of [bytes, broken, broken, bytes]) {
    const key = each === broken ? '\ufffdb' : 'ab';
    expect(binary.decodeTraces(each).spans[0]?.slice.attributes).toEqual({ [key]: 1 });
  }
  const late = Buffer.from(bytes);
  late[bytes.indexOf('ab') - 1] = 60;
  expect(() => binary.decodeTraces(late)).toThrow();
});

test("what Python's SDK sends: flags without the sampled bit, ids, lists, and events as log records", () => {
  const { spans, rejections } = binary.decodeTraces(readFileSync('test/fixtures/otlp/python-traces.bin'));
  expect(rejections.count).toBe(0);
  expect(spans.map(({ slice, projectName }) => [projectName, slice.name, slice.spanContext().traceFlags])).toEqual([
    ['python-agent', 'chat gpt-4o-mini', 1],
    ['python-agent', 'chat silent', 1],
    ['python-agent', 'GET', 1],
    ['python-agent', 'execute_tool search', 1],
    ['python-agent', 'invoke_agent guide', 1],
  ]);
  expect(spans[2]?.slice.attributes).toMatchObject({ list: [1, 2], floats: [0.5, 1.5], flag: true });
  const { events } = binary.decodeLogs(readFileSync('test/fixtures/otlp/python-logs.bin'));
  expect(events).toMatchObject([
    {
      eventName: 'gen_ai.choice',
      spanId: '00000000000000a4',
      time: [1_760_000_000, 123_456_789],
      body: { index: 0, message: { content: 'Said by an event.' } },
    },
  ]);
});
