/** OTLP's messages as OTLP's JSON has them, and protobufjs as a second way to protobuf and back. */
import fc from 'fast-check';
import protobuf from 'protobufjs';

const root = protobuf.loadSync('test/fixtures/otlp/otlp.proto');

type Json = Record<string, unknown>;
type MessageName = 'TracesData' | 'LogsData' | 'MetricsData' | 'ExportTraceServiceResponse' | 'RpcStatus';

/** Encodes OTLP's JSON, whose ids are hex and other bytes base64. */
export function encode(name: MessageName, json: Json): Buffer {
  const type = root.lookupType(`otlp.${name}`);
  return Buffer.from(type.encode(type.fromObject(toBase64Ids(json) as Json)).finish());
}

/** Decodes to protobuf's JSON: bytes are base64, 64-bit numbers texts. */
export function decode(name: MessageName, bytes: Uint8Array): Json {
  const type = root.lookupType(`otlp.${name}`);
  return type.toObject(type.decode(bytes), { bytes: String, longs: String });
}

function toBase64Ids(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toBase64Ids);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => {
      const isId = /^(traceId|spanId|parentSpanId)$/.test(key) && typeof field === 'string';
      return [key, isId ? Buffer.from(field, 'hex').toString('base64') : toBase64Ids(field)];
    }),
  );
}

const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.toWellFormed());
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex'));
const time = fc.bigInt(0n, 4_102_444_800_000_000_000n).map(String);

const value: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String) }),
    fc.record({ intValue: fc.integer().map(String) }),
    fc.record({ doubleValue: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => ({ bytesValue: Buffer.from(bytes).toString('base64') })),
    fc.constant({}),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => ({ arrayValue: { values } })),
    fc
      .array(fc.record({ key: text, value: tie('value') }), { maxLength: 3 })
      .map((values) => ({ kvlistValue: { values } })),
  ),
})).value;

const attributes = fc.array(fc.record({ key: fc.oneof(text, fc.constant('__proto__')), value }), { maxLength: 4 });
const optional = { requiredKeys: [] };

const span = fc.record(
  {
    traceId: hex(16),
    spanId: hex(8),
    parentSpanId: fc.oneof(hex(8), fc.constant(''), fc.constant('0000000000000000')),
    traceState: fc.oneof(fc.constant('humanloop=00f067aa0ba902b7,other=1'), text),
    flags: fc.constantFrom(0, 1, 0x100, 0x101, 0x300, 0x301),
    name: text,
    kind: fc.integer({ min: 0, max: 5 }),
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes,
    droppedAttributesCount: fc.nat(5),
    events: fc.array(fc.record({ timeUnixNano: time, name: text, attributes }, optional), { maxLength: 2 }),
    links: fc.array(fc.record({ traceId: hex(16), spanId: hex(8), attributes }), { maxLength: 2 }),
    status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: text }, optional),
  },
  { requiredKeys: ['traceId', 'spanId'] },
);
const scope = fc.record({ name: text, version: text, attributes }, optional);
const resource = fc.record({ attributes }, optional);

export const tracesData: fc.Arbitrary<Json> = fc.record({
  resourceSpans: fc.array(
    fc.record({
      resource,
      scopeSpans: fc.array(fc.record({ scope, spans: fc.array(span, { maxLength: 3 }), schemaUrl: text }), {
        maxLength: 2,
      }),
    }),
    { maxLength: 2 },
  ),
});

const record = fc.record(
  {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: fc.integer({ min: 0, max: 24 }),
    severityText: text,
    body: value,
    attributes,
    traceId: hex(16),
    spanId: hex(8),
    eventName: text,
  },
  optional,
);

export const logsData: fc.Arbitrary<Json> = fc.record({
  resourceLogs: fc.array(
    fc.record({ resource, scopeLogs: fc.array(fc.record({ scope, logRecords: fc.array(record, { maxLength: 3 }) })) }),
    { maxLength: 2 },
  ),
});
